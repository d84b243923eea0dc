/** How many tabs of a browser hold a thread's stream at once. Over HTTP/1.1 it opens six connections to a host: one is the stream
 *  that all tabs share, and one has to be left for what people do. */
const SLOTS = 4;
const NAME = `clearance.stream.${new URL(".", document.baseURI).pathname}`;

/** Does the work once one of the browser's slots is free, and holds it meanwhile. Where the browser has no locks there is no limit. */
export async function inSlot(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
  if (!navigator.locks) return work();
  for (let slot = 0; slot < SLOTS && !signal.aborted; slot += 1) {
    const had = await navigator.locks.request(`${NAME}.${slot}`, { ifAvailable: true }, async (lock) => lock !== null && (await work(), true));
    if (had) return;
  }
  const any = Math.floor(Math.random() * SLOTS);
  await navigator.locks.request(`${NAME}.${any}`, { signal }, work).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
