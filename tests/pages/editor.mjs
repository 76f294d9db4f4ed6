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
  ['begins the next month', begins],
  ['writes a summary', writes],
  ['keeps it in the archive', keeps],
  ['looks at the mails', looks],
  ['opens one of them', opensOne],
  ['lets it be checked', checks],
  ['sends a test', tests],
  ['comes to the button', comesToTheButton],
  ['sends', sends],
  ['sees who got it', sees],
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

async function begins({ view, demo }) {
  await view.goto(`${demo.base}/desk`);
  await view.getByRole('link', { name: 'To the issues' }).click();
  await view.getByRole('button', { name: 'Begin' }).click();
  await view.getByRole('heading', { level: 1, name: 'December 2022' }).waitFor();
}

async function writes({ view }) {
  if (await view.getByLabel('Title').count() === 0) await view.getByRole('button', { name: 'Add a summary' }).click();
  await view.getByLabel('Title').fill('Does It Help to Ask How Therapy Is Going?');
  await view.getByLabel('Citation, or its DOI alone').fill('Okafor, A., & Petersen, D. (2022). Asking how it goes. Journal of Asking, 4, 1–9. https://doi.org/10.1000/asking.2022.4');
  await view.getByLabel('Summary', { exact: true }).fill('Therapists who asked their clients each week how it went saw fewer of them leave therapy early. The alliance was rated higher, too.');
  await view.getByLabel('Practice implications').fill('Ask, and show that you want to know.');
  await view.getByLabel('Type of research').selectOption('survey');
  await view.getByRole('button', { name: 'Save', exact: true }).click();
  await view.getByRole('button', { name: 'Tick the suggested ones' }).click();
}

async function keeps({ view }) {
  await view.getByRole('button', { name: 'Make it from the titles' }).click();
  await view.getByRole('button', { name: 'Keep in the archive' }).click();
  await view.getByRole('status').waitFor();
}

async function looks({ view }) {
  await view.getByRole('navigation', { name: 'Steps of this month' }).getByRole('link', { name: 'Look' }).click();
  await view.getByRole('link', { name: /^Open mail/ }).first().waitFor();
}

async function opensOne({ view }) {
  await view.getByRole('link', { name: /^Open mail/ }).first().click();
  await view.locator('iframe').first().waitFor();
}

async function checks({ view }) {
  await view.goto(view.url().replace(/\/(look|mail).*$/, '/check'));
  await view.getByRole('heading', { level: 1 }).waitFor();
}

async function tests({ view, demo }) {
  await view.getByRole('navigation', { name: 'Steps of this month' }).getByRole('link', { name: 'Test' }).click();
  await view.getByLabel('To whom, one to five addresses').fill('editor@example.org');
  const before = await demo.mails.count();
  await view.getByRole('button', { name: 'Send the test' }).click();
  for (let tries = 0; await demo.mails.count() === before; tries += 1) {
    if (tries > 300) throw new Error('the test does not come');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function comesToTheButton({ view }) {
  await view.getByRole('navigation', { name: 'Steps of this month' }).getByRole('link', { name: 'Send' }).click();
  await view.locator('button.send').waitFor();
}

async function sends({ view }) {
  const button = view.locator('button.send');
  if (!/\d/.test(await button.textContent())) throw new Error('the button bears no number');
  const typed = view.getByLabel('How many readers? Type the number');
  if (await typed.count() > 0) await typed.fill((await button.textContent()).match(/[\d,]+/)[0]);
  await button.click();
  await view.getByRole('button', { name: 'Call it back' }).waitFor();
}

async function sees({ view, demo }) {
  const before = await demo.mails.count();
  await view.goto(`${demo.base}/desk/campaigns/2022-12`);
  await view.getByText('finished').first().waitFor();
  if (await demo.mails.count() - before === 0) throw new Error('nobody got it');
}
