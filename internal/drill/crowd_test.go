package drill

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/page"
)

// crowdFigures are those that every crowded morning has.
var crowdFigures = []string{"arrived", "admitted", "errors", "line_max", "order_inversion_max_s", "goodput_ratio", "recovered_s", "rolls_saved", "rolls_refused", "roll_save_p99_ms",
	"teacher_wait_p95_s", "teacher_wait_max_s", "alert_lag_p95_s", "eta_within_ratio", "fairness_jain", "rss_max_mib"}

// TestCrowds: a small crowd and its figures. Nothing in it is about speed, and a run of so few
// people may be void: make drills measures.
func TestCrowds(t *testing.T) {
	for name, fixed := range map[string]map[string]float64{
		"eure":         {"errors": 0, "rolls_refused": 0, "rolls_lost": 0, "still_outside": 0, "alerts_missed": 0},
		"waiting-page": {"errors": 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			r, err := Run(t.Context(), name, Options{Program: theProgram, Scale: 0.002, Seed: 3, Log: &log, quick: true})
			if err != nil {
				t.Fatalf("%v\n%s", err, log.String())
			}
			r.WriteTable(&log)
			for figure, want := range fixed {
				if got, ok := r.Figures[figure]; !ok || got != want {
					t.Errorf("%s is %v, it must be %v\n%s", figure, got, want, log.String())
				}
			}
			if name == "waiting-page" {
				if b := r.Figures["waiting_page_bytes"]; b < 500 || b > 4096 {
					t.Errorf("the waiting page has %v bytes on the wire", b)
				}
				return
			}
			for _, figure := range crowdFigures {
				if _, ok := r.Figures[figure]; !ok {
					t.Errorf("the figure %s is missing", figure)
				}
			}
			if r.Figures["rolls_saved"] == 0 || r.Figures["alerts"] == 0 {
				t.Errorf("nothing was saved or told: this drill could not fail\n%s", log.String())
			}
			var report bytes.Buffer
			if err := r.WriteReport(&report); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(report.String(), "People in line") {
				t.Error("the report has no line")
			}
		})
	}
}

// TestUnderFire: what is right about messages, and about an ordinary morning, stays so while a
// crowd is before the program. Whoever works in the school was signed out for the night.
func TestUnderFire(t *testing.T) {
	for _, name := range []string{"late-bus", "ordinary-monday"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			r, err := Run(t.Context(), name, Options{Program: theProgram, Scale: 0.05, Seed: 3, Log: &log, Fire: true, quick: true})
			if err != nil {
				t.Fatalf("%v\n%s", err, log.String())
			}
			r.WriteTable(&log)
			for _, c := range r.Checks {
				if !c.OK {
					t.Errorf("%s is %v, it must be %s\n%s", c.Name, c.Got, c.Want, log.String())
				}
			}
			if r.Figures["fire_arrived"] == 0 {
				t.Error("no crowd came: this could not fail")
			}
		})
	}
}

// TestFireIsForWrongMessages only.
func TestFireIsForWrongMessages(t *testing.T) {
	if _, err := Run(t.Context(), "eure", Options{Fire: true}); err == nil {
		t.Error("eure was run under fire")
	}
}

// waveOf makes a wave of people who came and entered at these seconds.
func waveOf(at ...[2]int) wave {
	began := time.Unix(1_800_000_000, 0)
	w := wave{crowd: &crowd{}, teachers: &teachers{}, began: began, over: began.Add(time.Hour)}
	for _, a := range at {
		came := began.Add(time.Duration(a[0]) * time.Second)
		in := began.Add(time.Duration(a[1]) * time.Second)
		w.people = append(w.people, &visitor{comer: comer{role: page.Pupil}, came: came, waited: came, through: in, in: in, told: in.Sub(came)})
	}
	return w
}

// TestInversion: the order is that of those of one line who looked when they should.
func TestInversion(t *testing.T) {
	for name, c := range map[string]struct {
		wave wave
		want time.Duration
	}{
		"in order":  {waveOf([2]int{0, 10}, [2]int{5, 11}, [2]int{9, 12}), 0},
		"overtaken": {waveOf([2]int{0, 20}, [2]int{12, 15}, [2]int{14, 30}), 12 * time.Second},
		"twice":     {waveOf([2]int{0, 20}, [2]int{12, 15}, [2]int{3, 16}), 12 * time.Second},
	} {
		if got := c.wave.inversion(); got != c.want {
			t.Errorf("%s: %v, not %v", name, got, c.want)
		}
	}
	late := waveOf([2]int{0, 20}, [2]int{12, 15})
	late.people[0].late = 2 * onTime
	if got := late.inversion(); got != 0 {
		t.Errorf("who looked late was overtaken by %v: their own doing", got)
	}
	apart := waveOf([2]int{0, 20}, [2]int{12, 15})
	apart.people[1].own, apart.people[1].school = true, "another"
	if got := apart.inversion(); got != 0 {
		t.Errorf("two lines are compared: %v", got)
	}
	beside := waveOf([2]int{0, 20}, [2]int{12, 15}, [2]int{3, 16})
	beside.people[1].beside = true // a teacher who has a lesson goes first, by their password
	if got := beside.inversion(); got != 3*time.Second {
		t.Errorf("a teacher in class is compared with whoever waits as nobody: %v", got)
	}
}

// TestKept: a quarter of what was told, or half a minute.
func TestKept(t *testing.T) {
	w := waveOf([2]int{0, 20}, [2]int{0, 400}, [2]int{0, 400}, [2]int{0, 100})
	w.people[1].told, w.people[2].told, w.people[3].told = 320*time.Second, 300*time.Second, 65*time.Second
	if got := w.kept(); got != 0.5 { // 80 of 320 and none; 100 of 300 and 35 of 65 are too much
		t.Errorf("%v, not 0.5", got)
	}
}

// TestLine: who has seen the waiting page and is neither in nor gone.
func TestLine(t *testing.T) {
	w := waveOf([2]int{0, 10}, [2]int{5, 20}, [2]int{6, 7}, [2]int{30, 40})
	w.people[1].through, w.people[1].in, w.people[1].left = time.Time{}, time.Time{}, w.began.Add(8*time.Second)
	if got := w.line(); got != 3 {
		t.Errorf("at most %d in line, not 3", got)
	}
	if got := w.lengths(w.began, w.over, time.Second)[9]; got != 1 {
		t.Errorf("%d in line after 9 s, not 1: one is gone, one is in", got)
	}
}

// TestFairness: one school that waits twice as long is seen.
func TestFairness(t *testing.T) {
	var alike, apart [][2]int
	for i := range 40 {
		alike, apart = append(alike, [2]int{0, 1 + i}), append(apart, [2]int{0, 1 + i})
	}
	schools := func(w wave, of func(i int) string) wave {
		for i, v := range w.people {
			v.school = of(i)
		}
		return w
	}
	if got := schools(waveOf(alike...), func(i int) string { return fmt.Sprint(i % 2) }).fairness(); got < 0.99 {
		t.Errorf("two schools alike: %v", got)
	}
	if got := schools(waveOf(apart...), func(i int) string { return fmt.Sprint(i / 20) }).fairness(); got > 0.6 {
		t.Errorf("one school before the other: %v", got)
	}
}

// TestCohorts: a class is as late as its last.
func TestCohorts(t *testing.T) {
	w := waveOf([2]int{0, 1}, [2]int{0, 4}, [2]int{0, 9}, [2]int{0, 9})
	for i, v := range w.people {
		v.class = fmt.Sprint(i / 2)
	}
	got := cohorts(w.people)
	slices.Sort(got)
	if !slices.Equal(got, []time.Duration{0, 3 * time.Second}) {
		t.Errorf("%v", got)
	}
}

// TestTurn reads the program's own sentences.
func TestTurn(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"<title>Votre tour\u00a0: dans 3 à 5\u00a0minutes, vers 8 h 12": 4 * time.Minute,
		"<title>Votre tour\u00a0: dans moins d'une minute":              30 * time.Second,
	} {
		v := &visitor{}
		wait, ok := v.turn(`<meta http-equiv="refresh" content="4">` + text)
		if !ok || wait != 4*time.Second || v.told != want {
			t.Errorf("%s: %v %v %v", text, ok, wait, v.told)
		}
	}
	if _, ok := (&visitor{}).turn("<h1>Se connecter</h1>"); ok {
		t.Error("any page is the waiting page")
	}
}

// TestBrowser: cookies come back, the address is the person's own, and a connection that the
// server ended meanwhile is made anew without a word.
func TestBrowser(t *testing.T) {
	from := net.IPv4(127, 9, 8, 7)
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if !strings.HasPrefix(r.RemoteAddr, from.String()+":") {
			t.Errorf("it comes from %s", r.RemoteAddr)
		}
		if k, err := r.Cookie("a"); asked > 1 && (err != nil || k.Value != "b") {
			t.Error("the cookie did not come back")
		}
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		io.WriteString(w, r.FormValue("word"))
	}))
	defer server.Close()
	b := &browser{at: strings.TrimPrefix(server.URL, "http://"), from: from, jar: map[string]string{}, link: &traffic{}}
	defer b.close()
	for i := range 3 {
		a, err := b.ask(t.Context(), http.MethodPost, "/", map[string][]string{"word": {"préau"}})
		if err != nil || a.status != http.StatusOK || a.text != "préau" {
			t.Fatalf("%d: %v %+v", i, err, a)
		}
		server.CloseClientConnections()
	}
	if b.link.up.Load() == 0 || b.link.down.Load() == 0 {
		t.Error("nothing is counted")
	}
	server.Close()
	if _, err := b.ask(t.Context(), http.MethodGet, "/", nil); err == nil {
		t.Error("a server that is gone answered")
	}
}

// TestLink: a line lets no more through than it has, and keeps addresses.
func TestLink(t *testing.T) {
	from := net.IPv4(127, 3, 3, 3)
	body := strings.Repeat("x", 100<<10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.RemoteAddr, from.String()+":") {
			t.Errorf("it comes from %s", r.RemoteAddr)
		}
		io.WriteString(w, body)
	}))
	defer server.Close()
	l, err := newLink(t.Context(), strings.TrimPrefix(server.URL, "http://"), 2e6)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	b := &browser{at: l.addr(), from: from, jar: map[string]string{}, link: &traffic{}}
	defer b.close()
	began := time.Now()
	a, err := b.ask(t.Context(), http.MethodGet, "/", nil)
	if err != nil || a.text != body {
		t.Fatalf("%v, %d bytes", err, len(a.text))
	}
	if took := time.Since(began); took < 300*time.Millisecond { // 100 kB at 250 kB/s
		t.Errorf("100 kB passed in %v", took)
	}
}

// TestBare: it takes its own signature and no other.
func TestBare(t *testing.T) {
	key := []byte("0123456789abcdef0123456789abcdef")
	own := sign(key, 26)
	if !signed(key, own, 26) {
		t.Error("its own is refused")
	}
	b, _ := base64.RawURLEncoding.DecodeString(own)
	b[3]++
	for what, value := range map[string]string{"altered": base64.RawURLEncoding.EncodeToString(b), "another key's": sign([]byte("another"), 26), "another length's": sign(key, 25), "empty": ""} {
		if signed(key, value, 26) {
			t.Errorf("one that is %s is taken", what)
		}
	}
}

// TestVoid is neither passed nor failed, and said in words.
func TestVoid(t *testing.T) {
	r := Result{Drill: "eure", Void: "no line formed", Checks: []Check{{Name: "errors", OK: true}}}
	var table, report bytes.Buffer
	r.WriteTable(&table)
	if err := r.WriteReport(&report); err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{"table": table.String(), "report": report.String()} {
		if !strings.Contains(text, "shows nothing: no line formed") || !strings.Contains(strings.ToLower(text), "void") {
			t.Errorf("the %s does not say it: %s", what, text)
		}
	}
}

// TestReadyInWords: the number, the day, what limits it.
func TestReadyInWords(t *testing.T) {
	y := Readiness{On: "2026-11-26 22:00", Cores: 2, Pupils: 1000, Staff: 100, Guardians: 1900, LinkMbit: 100, Holds: 27_000, PerSecond: 30, Everybody: 1.7, LimitedBy: "passwords",
		Limits: []Limit{{"passwords", 40}}, Drill: Result{Figures: map[string]float64{"goodput_ratio": 0.97}, Checks: []Check{{"errors", "0", 3, false}}}}
	var b bytes.Buffer
	y.WriteWords(&b)
	for _, word := range []string{"2026-11-26", "27000 people", "passwords", "97 %", "errors is 3"} {
		if !strings.Contains(b.String(), word) {
			t.Errorf("it does not say %q:\n%s", word, b.String())
		}
	}
	b.Reset()
	y.Drill.Void = "no line formed"
	if y.WriteWords(&b); strings.Contains(b.String(), "27000") {
		t.Error("a void run gives a number")
	}
	if _, err := Ready(context.Background(), ReadyOptions{}); err == nil {
		t.Error("nobody is in the directory, and it was run")
	}
}
