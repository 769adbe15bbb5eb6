// The engine's client is loaded once somebody asks for sound: it is ten times the rest.
export const load = (address) => new Promise((done, fail) => {
  if (globalThis.preauLive) { done(); return; }
  const script = document.createElement('script');
  script.src = address;
  script.onload = done;
  script.onerror = () => { script.remove(); fail(new Error('live.js')); };
  document.head.append(script);
});

// asked tells what our own port answers of a class's sound, as a number; 0: there is no network.
export async function asked(address) {
  try {
    return (await fetch(`${address}/rtc/validate`, { cache: 'no-store' })).status;
  } catch {
    return 0;
  }
}
