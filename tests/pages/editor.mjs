// What an editor does at the desk, step by step, as somebody who has never seen it.

const PASSWORD = 'kettle fjord nine maple';

/** Each step with its name; `view` is the browser's page, and stays where the step ends. */
export const STEPS = [
  ['opens the link of the terminal', opens],
  ['is told what is wrong with a password', choosesBadly],
  ['sets a password and is at the desk', chooses],
  ['signs out', signsOut],
  ['mistypes the password', mistypes],
  ['signs in', signsIn],
];

async function opens({ view, demo }) {
  await view.goto(demo.base + demo.desk);
}

async function choosesBadly({ view }) {
  await sets(view, 'passwordpassword');
  await view.getByRole('alert').waitFor();
}

async function chooses({ view }) {
  await sets(view, PASSWORD);
  await view.getByRole('navigation', { name: 'Desk' }).waitFor();
}

async function sets(view, password) {
  await view.getByLabel('New password').fill(password);
  await view.getByLabel('The same once more').fill(password);
  await view.getByRole('button', { name: 'Set the password and sign in' }).click();
}

async function signsOut({ view, demo }) {
  await view.goto(`${demo.base}/desk/me`);
  await view.getByRole('button', { name: 'Sign out', exact: true }).click();
  await view.getByRole('heading', { name: 'Sign in' }).waitFor();
}

async function mistypes({ view }) {
  await enters(view, 'kettle fjord nine mapel');
  await view.getByRole('alert').waitFor();
}

async function signsIn({ view }) {
  await enters(view, PASSWORD);
  await view.getByRole('navigation', { name: 'Desk' }).waitFor();
}

async function enters(view, password) {
  await view.getByLabel('Your address').fill('editor@example.org');
  await view.getByLabel('Password').fill(password);
  await view.getByRole('button', { name: 'Sign in' }).click();
}
