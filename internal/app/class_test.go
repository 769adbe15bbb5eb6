package app_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
	"github.com/preau-ent/preau/peers/browser"
)

// heardAndSeen measures in a class page what comes from the others: pictures decoded, sound heard.
const heardAndSeen = `
globalThis.line = () => document.getElementById('sound-in').line;
globalThis.got = async (source) => {
  const out = { frames: 0, energy: 0 };
  for (const p of line().room.remoteParticipants.values()) {
    for (const publication of p.trackPublications.values()) {
      if (source && publication.source !== source) continue;
      (await publication.track?.receiver?.getStats())?.forEach((r) => {
        if (r.type !== 'inbound-rtp') return;
        out.frames += r.framesDecoded ?? 0;
        out.energy += r.totalAudioEnergy ?? 0;
      });
    }
  }
  return out;
};
globalThis.until = async (so, most = 25000) => {
  const began = performance.now();
  while (!(await so())) {
    if (performance.now() - began > most) throw new Error('not so: ' + so + ' ' + says() + ' ' + JSON.stringify(line()?.people()) + document.getElementById('sound-stage').outerHTML);
    await new Promise((done) => setTimeout(done, 20));
  }
  return performance.now() - began;
};
globalThis.says = () => document.getElementById('sound-says').textContent + document.getElementById('class-problem').textContent;
globalThis.shown = (id) => { const e = document.getElementById(id); return Boolean(e && !e.hidden && e.offsetParent); };
globalThis.sees = async (source) => { document.getElementById('sound').scrollIntoView(); // a picture out of sight is not sent
  const { frames } = await got(source); return until(async () => (await got(source)).frames > frames + 3); };
globalThis.hears = async () => { const { energy } = await got(); return until(async () => (await got()).energy > energy); };
globalThis.still = async () => { const a = (await got()).frames; await new Promise((done) => setTimeout(done, 300)); return a === (await got()).frames; };
globalThis.refused = async (what) => { try { await what(); return ''; } catch (e) { return String(e); } };
true`

// still waits until no picture comes.
const still = `until(still)`

// soundSchool is a school with an engine of live classes, and Léa at home.
func soundSchool(t *testing.T, program string, tcp int) *onlineSchool {
	t.Helper()
	s := newOnlineSchool(t, func(c *app.Config) { c.Live = app.LiveConfig{Program: program, Address: "127.0.0.1", TCPPort: tcp} })
	hash := account.HashPassword(walkPassword, account.Cost{})
	err := s.app.DB.InSchool(t.Context(), s.town.School.ID, func(ctx context.Context, tx database.Tx) error {
		a, err := account.Create(ctx, tx, account.Account{School: s.town.School.ID, Person: "lea", Role: page.Pupil, Identifier: "lea", CreatedAt: s.clock.Now()})
		if err != nil {
			return err
		}
		if err := account.SetPassword(ctx, tx, s.clock.Now(), a.ID, hash); err != nil {
			return err
		}
		_, err = timetable.OpenHome(ctx, tx, timetable.Home{School: s.town.School.ID, Reason: "illness", FromOn: "2026-11-24", UntilOn: "2026-11-24", OpenedBy: "x", Pupils: []string{"lea"}}, s.clock.Now(), s.clock.Now().Location())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.app.Live.Run(ctx) }()
	t.Cleanup(func() { stop(); <-ended })
	return s
}

// theEngine builds the engine, once for the test that needs it.
func theEngine(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "preau-live")
	build := exec.Command("go", "build", "-trimpath", "-o", program, ".")
	build.Dir = "../../live"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the engine could not be built from live/: %v\n%s", err, out)
	}
	return program
}

// child is the running engine's process.
func child(t *testing.T, program string) int {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		t.Fatal(err)
	}
	for _, exe := range all {
		if to, err := os.Readlink(exe); err == nil && to == program {
			var pid int
			fmt.Sscanf(exe, "/proc/%d/exe", &pid)
			return pid
		}
	}
	t.Fatal("the engine does not run")
	return 0
}

func (p phone) opensClass(who string) {
	p.s.t.Helper()
	p.signIn(who)
	p.Wait(".menu")
	p.Go(p.s.url("/class/maths"))
	browser.Eval[bool](p.Tab, heardAndSeen)
}

func (p phone) ms(expression string) time.Duration {
	p.s.t.Helper()
	return time.Duration(browser.Eval[float64](p.Tab, expression) * float64(time.Millisecond)).Round(time.Millisecond)
}

// joins presses the one button that opens a line.
func (p phone) joins() {
	p.s.t.Helper()
	p.Click("#sound-join")
	p.ms(`until(() => says().startsWith('Vous êtes dans la classe'))`)
}

// TestClassWithSound: two people with real browsers in the class of a sitting. They see and hear
// each other; the floor is given, taken, and stays taken; the engine is killed and the class
// goes on without a gesture; who is removed stays out.
func TestClassWithSound(t *testing.T) {
	program := theEngine(t)
	s := soundSchool(t, program, 0)
	roy := s.phone(browser.StartFilmed(t, true), browser.Options{Width: 1280, Height: 800})
	lea := s.phone(browser.StartFilmed(t, true), browser.Options{Width: 360, Height: 740})
	look := func(name string, p phone, width int) {
		t.Helper()
		for _, dark := range []bool{false, true} {
			p.Look(width, 800, dark)
			p.NoViolations(fmt.Sprintf("%s, dark %v", name, dark))
			p.Fits(name)
			p.Keep(fmt.Sprintf("class-%s-%d-%s", name, width, browser.Shade(dark)))
		}
		p.Look(width, 800, false)
	}

	lea.opensClass("lea")
	if says := browser.Eval[string](lea.Tab, "says()"); !strings.Contains(says, "quand le professeur arrive") || !browser.Eval[bool](lea.Tab, `document.getElementById('sound-join').disabled`) {
		t.Errorf("before the teacher: %q", says)
	}
	roy.opensClass("roy")
	roy.joins()
	roy.Click("#sound-camera")
	roy.Click("#sound-microphone")
	roy.ms(`until(() => line().people()[0].camera && line().people()[0].microphone)`)
	lea.ms(`until(() => !document.getElementById('sound-join').disabled)`) // heard without a reload
	began := time.Now()
	lea.joins()
	lea.ms(`until(async () => (await got()).frames > 0)`)
	t.Logf("a pupil's click to the first picture: %s", time.Since(began).Round(time.Millisecond))
	lea.ms(`sees()`)
	lea.ms(`hears()`)
	lea.ms(`until(() => document.getElementById('sound-voices').textContent.includes('Camille Roy'))`)
	for _, source := range []string{"microphone", "camera", "screen"} {
		if browser.Eval[bool](lea.Tab, `shown('sound-`+source+`')`) {
			t.Errorf("a pupil without the floor has a button for the %s", source)
		}
		if source != "screen" && browser.Eval[string](lea.Tab, `refused(() => line().`+source+`(true))`) == "" {
			t.Errorf("a pupil without the floor opens their %s", source)
		}
	}

	// The floor, given by the page and taken by it.
	roy.ms(`until(() => shown('floor-microphone-lea'))`)
	roy.Click("#floor-microphone-lea")
	t.Logf("the floor is there after %s", lea.ms(`until(() => shown('sound-microphone') && !shown('sound-camera'))`))
	lea.Click("#sound-microphone")
	roy.ms(`hears()`)
	roy.ms(`until(() => document.getElementById('sound-voices').textContent.includes('Léa B. · '))`)
	roy.ms(`until(() => document.getElementById('floor-microphone-lea').getAttribute('aria-pressed') === 'true')`)
	roy.Click("#floor-camera-lea")
	lea.ms(`until(() => shown('sound-camera'))`)
	lea.Click("#sound-camera")
	roy.ms(`sees()`)
	look("teacher", roy, 1280)
	look("pupil", lea, 360)
	for _, what := range []string{"microphone", "camera"} {
		roy.ms(`until(() => document.getElementById('floor-` + what + `-lea').getAttribute('aria-pressed') === 'true')`)
		roy.Click("#floor-" + what + "-lea")
		lea.ms(`until(() => !shown('sound-` + what + `'))`)
		lea.ms(`until(() => !line().people().find((p) => p.me).` + what + `)`)
		if browser.Eval[string](lea.Tab, `refused(() => line().`+what+`(true))`) == "" {
			t.Errorf("a pupil whose %s was taken opens it", what)
		}
	}
	roy.ms(`until(async () => { const a = await got(); await new Promise((done) => setTimeout(done, 300)); const b = await got(); return a.frames === b.frames && a.energy === b.energy; })`)

	// The teacher's screen; the sound alone, by the button and by itself.
	roy.Click("#sound-screen")
	lea.ms(`until(async () => (await got('screen_share')).frames > 0)`)
	look("screen", lea, 1280)
	lea.Click("#sound-only")
	lea.ms(`until(() => !shown('sound-stage'))`)
	lea.ms(still)
	lea.ms(`hears()`)
	lea.Click("#sound-only")
	lea.ms(`sees('screen_share')`)
	browser.Eval[bool](lea.Tab, `line().room.emit('connectionQualityChanged', 'poor', line().room.localParticipant)`)
	lea.ms(`until(() => says().startsWith('Votre ligne est faible') && !shown('sound-stage'))`)
	lea.ms(`hears()`)
	lea.Click("#sound-only")
	lea.ms(`sees('screen_share')`)
	for name, p := range map[string]phone{"roy": roy, "lea": lea} {
		for _, c := range p.Complaints() {
			t.Errorf("%s's browser complains: %s", name, c)
		}
	}

	// The engine is killed. Both come back without a gesture; what was taken stays taken.
	began = time.Now()
	if err := syscall.Kill(child(t, program), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	lea.ms(`until(() => says().startsWith('Le son est coupé'))`)
	lea.ms(`until(async () => says().startsWith('Vous êtes dans la classe') && (await got()).frames > 0 && (await got()).energy > 0)`)
	took := time.Since(began)
	t.Logf("killed: sound and picture again after %s", took.Round(time.Millisecond))
	if took > 5*time.Second {
		t.Errorf("killed: sound and picture again after %s", took)
	}
	roy.ms(`until(() => says().startsWith('Vous êtes dans la classe'))`)
	if browser.Eval[string](lea.Tab, `refused(() => line().microphone(true))`) == "" {
		t.Error("the engine was killed, and the microphone is back that was taken")
	}

	// Out, and not back: neither by the page nor by its own line.
	roy.Click("form:has([name=person][value=lea]):has([name=to][value=removed]) button")
	lea.ms(`until(() => says().includes('plus dans cette classe'))`)
	if browser.Eval[string](lea.Tab, `refused(() => line().enter())`) == "" {
		t.Error("a removed pupil enters")
	}
	roy.ms(`until(() => line().people().length === 1)`)
}

// TestTheTrial: before the first class, line, microphone and camera are tried alone, in plain
// words; nobody enters another's trial.
func TestTheTrial(t *testing.T) {
	s := soundSchool(t, theEngine(t), 0)
	lea := s.phone(browser.StartFilmed(t, true), browser.Options{})
	lea.signIn("lea")
	lea.Wait(".menu")
	lea.Go(s.url("/class/try"))
	lea.Click("#try-hear")
	lea.Click("#try-begin")
	lea.until(`document.getElementById('try-line').textContent.startsWith('La ligne convient')`)
	lea.until(`document.getElementById('try-microphone').textContent.startsWith('Votre micro vous entend')`)
	lea.until(`document.querySelector('#try-picture video')?.videoWidth > 0`)
	for _, dark := range []bool{false, true} {
		lea.Look(360, 740, dark)
		lea.NoViolations(fmt.Sprintf("the trial, dark %v", dark))
		lea.Keep(fmt.Sprintf("class-try-360-%s", browser.Shade(dark)))
	}
	lea.Click("#try-end")
	lea.until(`!document.querySelector('#try-picture').offsetParent`)
	lea.Quiet("the page")
	res, err := s.enter("roy").Get(s.url("/live/" + app.Room(s.town.School.ID, "try.lea") + "/rtc/validate"))
	if err != nil {
		t.Fatal(err)
	}
	if res.Body.Close(); res.StatusCode != 403 {
		t.Errorf("in another's trial: %d", res.StatusCode)
	}
}

// TestClassBehindAWall: where no UDP passes, sound and picture come by TCP; where that does not
// pass either, the page says so in words and the rest of the class is there.
func TestClassBehindAWall(t *testing.T) {
	program := theEngine(t)
	t.Run("tcp", func(t *testing.T) {
		s := soundSchool(t, program, 0)
		roy := s.phone(browser.StartFilmed(t, true), browser.Options{Width: 1280, Height: 800})
		roy.opensClass("roy")
		roy.joins()
		roy.Click("#sound-camera")
		roy.Click("#sound-microphone")
		lea := s.phone(browser.StartFilmed(t, false), browser.Options{})
		lea.opensClass("lea")
		lea.joins()
		lea.ms(`sees()`)
		lea.ms(`hears()`)
		if by := browser.Eval[string](lea.Tab, `(async () => { for (const p of line().room.remoteParticipants.values()) for (const publication of p.trackPublications.values()) { const report = await publication.track?.receiver?.getStats(); for (const r of report?.values() ?? []) if (r.type === 'candidate-pair' && r.nominated) return report.get(r.localCandidateId).protocol; } return ''; })()`); by != "tcp" {
			t.Errorf("a browser without UDP has its sound by %q", by)
		}
	})
	t.Run("nothing", func(t *testing.T) {
		s := soundSchool(t, program, -1)
		if res, err := s.enter("roy").Get(s.url("/class/maths")); err != nil || res.StatusCode != 200 {
			t.Fatal(res, err)
		}
		lea := s.phone(browser.StartFilmed(t, false), browser.Options{})
		lea.opensClass("lea")
		lea.Click("#sound-join")
		lea.ms(`until(() => says().startsWith('Le son et l’image ne passent pas'))`)
		lea.Click("#hands .btn.main")
		lea.ms(`until(() => document.getElementById('hands').textContent.includes('Léa B.'))`)
		if line := browser.Eval[string](lea.Tab, "says()"); !strings.Contains(line, "ne passent pas") {
			t.Errorf("a raised hand takes the words away: %q", line)
		}
	})
}
