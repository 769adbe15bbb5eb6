package live_test

import (
	"fmt"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/live"
	"github.com/preau-ent/preau/peers/browser"
	"github.com/preau-ent/preau/web"
)

// policy is what the pages of Préau allow themselves.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; " +
	"connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// classPage is the smallest page of a class.
func classPage() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/dist/", http.StripPrefix("/dist/", http.FileServerFS(web.Files())))
	mux.HandleFunc("/page.js", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprint(w, pageScript)
	})
	mux.HandleFunc("/as/{person}", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "who", Value: r.PathValue("person"), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("Permissions-Policy", "camera=(self), microphone=(self), display-capture=(self)")
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><html lang="fr"><title>Classe</title><link rel="icon" href="/dist/mark.svg"><main id="media"></main><script src="/dist/live.js"></script><script src="/page.js"></script>`)
	})
	return mux
}

const pageScript = `
const said = [];
const me = preauLive('/live/room', (name, details) => {
  said.push({ name, at: performance.now(), ...details, element: undefined });
  if (name === 'track') document.getElementById('media').append(details.element);
  if (name === 'gone') details.element.remove();
});
const state = () => said.filter((s) => s.name === 'state').at(-1)?.state ?? '';
const floor = () => said.filter((s) => s.name === 'floor').at(-1);
// got is what came from everybody else so far: pictures decoded, sound heard.
async function got() {
  const out = { frames: 0, energy: 0 };
  for (const p of me.room.remoteParticipants.values()) {
    for (const publication of p.trackPublications.values()) {
      const report = await publication.track?.receiver?.getStats();
      report?.forEach((r) => {
        if (r.type !== 'inbound-rtp') return;
        out.frames += r.framesDecoded ?? 0;
        out.energy += r.totalAudioEnergy ?? 0;
      });
    }
  }
  return out;
}
// until resolves with the milliseconds until something is so.
async function until(so, most = 25000) {
  const began = performance.now();
  while (!(await so())) {
    if (performance.now() - began > most) throw new Error('not so: ' + so + ' ' + JSON.stringify(said));
    await new Promise((done) => setTimeout(done, 20));
  }
  return performance.now() - began;
}
// hears and sees: what comes advances. A new track counts from nothing.
const sees = async () => { const { frames } = await got(); return until(async () => (await got()).frames > frames + 5); };
const hears = async () => { const { energy } = await got(); return until(async () => (await got()).energy > energy); };
const refused = async (what) => { try { await what(); return ''; } catch (e) { return String(e); } };
`

// person opens the class's page in a browser of their own, on a line with or without UDP.
func (h *house) person(who string, udp bool) *browser.Tab {
	h.t.Helper()
	tab := browser.StartFilmed(h.t, udp).Tab(h.t, browser.Options{Width: 800, Height: 600})
	tab.Go(h.site.URL + "/as/" + who)
	h.t.Cleanup(func() {
		if h.t.Failed() {
			h.t.Logf("the browser of %s: %q", who, tab.Complaints())
		}
	})
	return tab
}

// TestClass: two people with real browsers see and hear each other; the floor, once taken
// away, is; the engine is killed and the class goes on without a gesture; who is removed is out.
func TestClass(t *testing.T) {
	e, _ := start(t, nil)
	h := open(t, e, classPage())
	h.enrol("room", "teacher", live.Grants{Microphone: true, Camera: true, Screen: true})
	h.enrol("room", "pupil", live.Grants{})
	teacher, pupil := h.person("teacher", true), h.person("pupil", true)
	ms := func(tab *browser.Tab, expression string) time.Duration {
		t.Helper()
		return time.Duration(browser.Eval[float64](tab, expression) * float64(time.Millisecond)).Round(time.Millisecond)
	}

	browser.Eval[bool](teacher, `me.enter().then(() => me.camera(true)).then(() => me.microphone(true)).then(() => true)`)
	t.Logf("a pupil's click to the first picture: %s", ms(pupil, `(async () => { const began = performance.now(); await me.enter(); await until(async () => (await got()).frames > 0); return performance.now() - began; })()`))
	ms(pupil, `sees()`)
	ms(pupil, `hears()`)

	// The floor: nothing at first, then microphone and camera, then nothing again.
	for _, what := range []string{"microphone", "camera"} {
		if browser.Eval[string](pupil, `refused(() => me.`+what+`(true))`) == "" {
			t.Errorf("a pupil without the floor opens their %s", what)
		}
	}
	if err := e.Floor(t.Context(), "room", "pupil", live.Grants{Microphone: true}); err != nil {
		t.Fatal(err)
	}
	ms(pupil, `until(() => floor().microphone)`)
	browser.Eval[bool](pupil, `me.microphone(true).then(() => true)`)
	t.Logf("the teacher hears the pupil after %s", ms(teacher, `hears()`))
	if browser.Eval[string](pupil, `refused(() => me.camera(true))`) == "" {
		t.Error("the floor for the microphone opens the camera")
	}
	if err := e.Floor(t.Context(), "room", "pupil", live.Grants{Microphone: true, Camera: true}); err != nil {
		t.Fatal(err)
	}
	ms(pupil, `until(() => floor().camera)`)
	browser.Eval[bool](pupil, `me.camera(true).then(() => true)`)
	ms(teacher, `sees()`)
	h.enrol("room", "pupil", live.Grants{Microphone: true, Camera: true})

	// A mute that can be undone, and one that cannot.
	if err := e.Mute(t.Context(), "room", "pupil", live.Microphone); err != nil {
		t.Fatal(err)
	}
	ms(pupil, `until(() => !me.room.localParticipant.isMicrophoneEnabled)`)
	h.enrol("room", "pupil", live.Grants{})
	if err := e.Floor(t.Context(), "room", "pupil", live.Grants{}); err != nil {
		t.Fatal(err)
	}
	ms(teacher, `until(async () => { const a = await got(); await new Promise((done) => setTimeout(done, 300)); const b = await got(); return a.frames === b.frames && a.energy === b.energy; })`)
	for _, what := range []string{"microphone", "camera"} {
		if browser.Eval[string](pupil, `refused(() => me.`+what+`(true))`) == "" {
			t.Errorf("a pupil who was muted for good opens their %s", what)
		}
	}
	if all, err := e.Present(t.Context(), "room"); err != nil || len(all) != 2 {
		t.Fatalf("in the class: %+v, %v", all, err)
	} else {
		for _, p := range all {
			for _, s := range p.Sends {
				if p.Person == "pupil" && !s.Muted {
					t.Errorf("the pupil still sends %+v", s)
				}
			}
		}
	}

	// The screen.
	browser.Eval[bool](teacher, `me.screen(true).then(() => true)`)
	ms(pupil, `until(() => said.some((s) => s.name === 'track' && s.source === 'screen'))`)
	ms(pupil, `until(async () => { for (const p of me.room.remoteParticipants.values()) for (const publication of p.trackPublications.values()) { if (publication.source !== 'screen_share') continue; let n = 0; (await publication.track?.receiver?.getStats())?.forEach((r) => { n += r.framesDecoded ?? 0; }); if (n > 0) return true; } return false; })`)

	// The engine is killed; both come back by themselves, to sound and picture.
	var fastest time.Duration // a busy machine is slow once, and not twice
	for i := range 2 {
		if err := syscall.Kill(e.PID(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		browser.Eval[float64](pupil, `until(() => state() === 'reconnecting')`)
		browser.Eval[float64](pupil, `until(async () => state() === 'connected' && (await got()).frames > 0 && (await got()).energy > 0)`)
		ms(pupil, `sees()`)
		took := time.Since(began)
		t.Logf("kill %d: sound and picture again after %s", i+1, took.Round(time.Millisecond))
		if i == 0 || took < fastest {
			fastest = took
		}
		ms(teacher, `until(() => state() === 'connected')`)
		if browser.Eval[string](pupil, `refused(() => me.microphone(true))`) == "" {
			t.Error("the engine was killed, and a pupil who was muted for good has the floor")
		}
	}

	if fastest > 5*time.Second {
		t.Errorf("the engine was killed twice: sound and picture are back after %s at best", fastest)
	}

	// A removal holds, against a browser that wants back.
	h.dismiss("room", "pupil")
	h.proxy.Cut("room", "pupil")
	if err := e.Remove(t.Context(), "room", "pupil"); err != nil {
		t.Fatal(err)
	}
	ms(pupil, `until(() => state() === 'out')`)
	if browser.Eval[string](pupil, `refused(() => me.enter())`) == "" {
		t.Error("a removed pupil enters")
	}
	if in := h.present("room"); len(in) != 1 || in[0] != "teacher" {
		t.Errorf("in the class: %v", in)
	}
	ms(teacher, `until(() => me.people().length === 1)`)
}

// TestPoorLines: where UDP is blocked, sound and picture come by TCP. Where everything but our
// own port is, the browser is told so in bounded time: the page goes on without them.
func TestPoorLines(t *testing.T) {
	e, _ := start(t, nil)
	h := open(t, e, classPage())
	h.enrol("room", "teacher", live.Grants{Microphone: true, Camera: true})
	h.enrol("room", "pupil", live.Grants{})
	teacher, pupil := h.person("teacher", true), h.person("pupil", false)
	browser.Eval[bool](teacher, `me.enter().then(() => me.camera(true)).then(() => me.microphone(true)).then(() => true)`)
	browser.Eval[bool](pupil, `me.enter().then(sees).then(hears).then(() => true)`)
	protocol := browser.Eval[string](pupil, `(async () => {
		const used = new Set();
		for (const p of me.room.remoteParticipants.values()) for (const publication of p.trackPublications.values()) {
			const report = await publication.track?.receiver?.getStats();
			report?.forEach((r) => { if (r.type === 'candidate-pair' && r.nominated && r.bytesReceived > 0) used.add(report.get(r.localCandidateId).protocol); });
		}
		return [...used].join();
	})()`)
	if protocol != "tcp" {
		t.Errorf("on a line without UDP it comes by %q", protocol)
	}

	closed, _ := start(t, func(c *live.Config) { c.TCP = -1 })
	alone := open(t, closed, classPage())
	alone.enrol("room", "pupil", live.Grants{})
	cut := alone.person("pupil", false)
	why := browser.Eval[string](cut, `(async () => { const began = performance.now(); const why = await refused(() => me.enter()); return why && why + ' after ' + Math.round(performance.now() - began) + ' ms'; })()`)
	if why == "" {
		t.Error("with no way for sound and picture it says that it has one")
	}
	t.Logf("with everything but our own port blocked: %s", why)
}
