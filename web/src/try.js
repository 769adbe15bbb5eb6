// The trial before the first class: line, sound and picture as they will be used, alone.
import { asked, load } from './load.js';

const panel = document.getElementById('try-in');
if (panel) trial();

function trial() {
  const words = JSON.parse(panel.dataset.words);
  const at = (name) => document.getElementById(`try-${name}`);
  const begun = { line: at('line').textContent, microphone: at('microphone').textContent, camera: at('camera').textContent };
  let me = null;
  let ear = null;
  let frame = 0;

  const say = (what, text) => { at(what).textContent = text; };
  const problem = (error) => (error.name === 'NotAllowedError' ? words.denied : words.nodevice);

  at('begin').addEventListener('click', async () => {
    at('begin').disabled = true;
    say('line', words.connecting);
    try {
      await load(panel.dataset.live);
      me ??= globalThis.preauLive(panel.dataset.address, (name, it) => {
        if (name === 'track' && it.source === 'camera') at('picture').replaceChildren(it.element);
      });
      await me.enter();
    } catch {
      const status = await asked(panel.dataset.address);
      say('line', { 0: words.lost, 200: words.blocked, 401: words.refused, 403: words.refused }[status] ?? words.away);
      at('begin').disabled = false;
      return;
    }
    say('line', words['line.ok']);
    at('begin').hidden = true;
    at('end').hidden = false;
    try {
      if (!navigator.mediaDevices) throw new DOMException('', 'NotFoundError');
      await me.microphone(true);
      say('microphone', words['microphone.say']);
      listen(me.room.localParticipant.getTrackPublication('microphone').track.mediaStream);
    } catch (error) {
      say('microphone', problem(error));
    }
    try {
      if (!navigator.mediaDevices) throw new DOMException('', 'NotFoundError');
      await me.camera(true);
      at('picture').hidden = false;
      say('camera', words['camera.ok']);
    } catch (error) {
      say('camera', problem(error));
    }
  });

  // listen shows how loud the microphone is, and says once that it is heard.
  function listen(stream) {
    ear ??= new AudioContext();
    ear.resume();
    const analyser = ear.createAnalyser();
    ear.createMediaStreamSource(stream).connect(analyser);
    const samples = new Uint8Array(analyser.fftSize);
    at('level').hidden = false;
    const look = () => {
      analyser.getByteTimeDomainData(samples);
      const loud = Math.max(...samples.map((v) => Math.abs(v - 128)));
      at('level').value = Math.min(100, loud * 2);
      if (loud > 8) say('microphone', words['microphone.ok']);
      frame = requestAnimationFrame(look);
    };
    look();
  }

  at('hear').addEventListener('click', () => {
    ear ??= new AudioContext();
    ear.resume();
    const tone = ear.createOscillator();
    const quiet = ear.createGain();
    quiet.gain.value = 0.2;
    tone.connect(quiet).connect(ear.destination);
    tone.start();
    tone.stop(ear.currentTime + 0.6);
    say('ear', words['ear.asked']);
  });

  at('end').addEventListener('click', () => {
    cancelAnimationFrame(frame);
    me.leave();
    at('level').hidden = true;
    at('picture').hidden = true;
    at('end').hidden = true;
    at('begin').hidden = false;
    at('begin').disabled = false;
    for (const [what, text] of Object.entries(begun)) say(what, text);
    say('line', words.over);
    at('begin').focus();
  });
}
