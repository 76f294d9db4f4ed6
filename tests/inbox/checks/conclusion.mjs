// What checks came to in the end.

/** Prints a table of `checks` with how often each passed and failed, and the count; the exit status. */
export function conclude(found, checks) {
  console.log('\ncheck  passed  failed');
  for (const [check, asks] of Object.entries(checks)) {
    const { passed, failed } = count(found.filter((one) => one.check === check));
    console.log(`${check.padEnd(5)}  ${String(passed).padStart(6)}  ${String(failed).padStart(6)}  ${asks}`);
  }
  const { passed, failed } = count(found);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

function count(found) {
  const failed = found.filter(({ findings }) => findings.length > 0).length;
  return { passed: found.length - failed, failed };
}
