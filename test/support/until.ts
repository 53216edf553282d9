// Waits for something that nothing reports. A test that waits in vain ends when its file's time is up.

/** Resolves once `isMet`, which is asked in every turn of the event loop. */
export async function until(isMet: () => boolean): Promise<void> {
  while (!isMet()) await new Promise(setImmediate);
}
