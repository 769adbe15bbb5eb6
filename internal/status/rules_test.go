package status

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

var morning = time.Date(2026, 11, 24, 7, 5, 0, 0, time.UTC)

// well are the figures of a quiet morning.
func well() Figures { return Figures{Known: true, Database: true} }

func TestHeadline(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Figures)
		want   string
	}{
		"quiet":                  {func(*Figures) {}, "status.head.well"},
		"just started":           {func(f *Figures) { *f = Figures{} }, "status.head.starting"},
		"a short line":           {func(f *Figures) { f.Waiting, f.Until = 40, 20*time.Second }, "status.head.well"},
		"a line":                 {func(f *Figures) { f.Waiting, f.From, f.Until = 4000, 3*time.Minute, 5*time.Minute }, "status.head.line"},
		"a line, slow alerts":    {func(f *Figures) { f.Waiting, f.Until, f.AlertLag = 4000, 5*time.Minute, 90*time.Second }, "status.head.line.alone"},
		"slow letters":           {func(f *Figures) { f.LetterLag = 3 * time.Minute }, "status.head.messages"},
		"a carrier out of reach": {func(f *Figures) { f.Unreached = true }, "status.head.messages"},
		"letters wait for long":  {func(f *Figures) { f.LetterLag = 20 * time.Minute }, "status.head.messages.stopped"},
		"alerts do not look":     {func(f *Figures) { f.AlertsSeen = 6 * time.Minute }, "status.head.messages.stopped"},
		"fence":                  {func(f *Figures) { f.Locked = true }, "status.head.messages.stopped"},
		"no carrier":             {func(f *Figures) { f.Pretended, f.Locked, f.LetterLag = true, true, time.Hour }, "status.head.well"},
		"a lost roll":            {func(f *Figures) { f.RollsLost = 1 }, "status.head.slow"},
		"slow pages":             {func(f *Figures) { f.Queue = 2 * time.Second }, "status.head.slow"},
		"slow passwords":         {func(f *Figures) { f.Passwords = 9 * time.Second }, "status.head.slow"},
		"no database":            {func(f *Figures) { f.Database = false }, "status.head.unknown"},
	} {
		f := well()
		c.change(&f)
		if got := Judge(f, nil, nil, morning).Headline(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestNeverBetterThanMeasured: whatever an operator writes, no part is said to be better
// than it was measured, and "everything works" is said only when each part does.
func TestNeverBetterThanMeasured(t *testing.T) {
	second := func(most int) *rapid.Generator[time.Duration] {
		return rapid.Custom(func(t *rapid.T) time.Duration {
			return time.Duration(rapid.IntRange(0, most).Draw(t, "seconds")) * time.Second
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		f := Figures{Known: rapid.Bool().Draw(t, "known"), Database: rapid.Bool().Draw(t, "database"), Waiting: rapid.IntRange(0, 9000).Draw(t, "waiting"),
			Until: second(900).Draw(t, "until"), Passwords: second(20).Draw(t, "passwords"), Queue: second(5).Draw(t, "queue"), RollsLost: rapid.IntRange(0, 2).Draw(t, "lost"),
			AlertsSeen: second(900).Draw(t, "seen"), AlertLag: second(2000).Draw(t, "alert"), LetterLag: second(2000).Draw(t, "letter"),
			Locked: rapid.Bool().Draw(t, "locked"), Unreached: rapid.Bool().Draw(t, "unreached"), Pretended: rapid.Bool().Draw(t, "pretended")}
		incident := Incident{From: morning.Add(-time.Minute), Grade: Grade(rapid.IntRange(0, 2).Draw(t, "grade")), Touches: rapid.SliceOf(rapid.SampledFrom(Parts())).Draw(t, "touches"), News: []News{{N: 1, FR: "x"}}}
		bare, said := Judge(f, nil, nil, morning), Judge(f, []Incident{incident}, nil, morning)
		for n := range said.Parts {
			if said.Parts[n].Grade < bare.Parts[n].Grade {
				t.Fatalf("%s is %s and was measured as %s", said.Parts[n].Part, said.Parts[n].Grade, bare.Parts[n].Grade)
			}
		}
		if said.Headline() == "status.head.well" && said.Worst != Works {
			t.Fatalf("everything works, and %+v", said.Parts)
		}
		if bare.High <= bare.Low || bare.Low < 1 {
			t.Fatalf("%d to %d minutes", bare.Low, bare.High)
		}
	})
}

func TestWhen(t *testing.T) {
	i := Incident{From: morning, Until: morning.Add(time.Hour)}
	for at, want := range map[time.Duration]When{-time.Second: Later, 0: Now, 59 * time.Minute: Now, time.Hour: Over, pastShown: Over, pastShown + time.Hour: LongOver} {
		if got := i.When(morning.Add(at)); got != want {
			t.Errorf("after %v: %d, want %d", at, got, want)
		}
	}
	i.Until = time.Time{}
	if got := i.When(morning.Add(1000 * time.Hour)); got != Now {
		t.Errorf("what nobody ended goes on: %d", got)
	}
}

func TestRounded(t *testing.T) {
	for n, want := range map[int]int{10: 10, 11: 20, 43: 50, 99: 100, 100: 100, 4100: 5000, 15001: 20000} {
		if got := rounded(n); got != want {
			t.Errorf("%d: %d, want %d", n, got, want)
		}
	}
}

// TestDraw: every point of an hour is inside the drawing, and what nobody knows is a gap.
func TestDraw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var points []Point
		at := morning.Add(-time.Duration(rapid.IntRange(0, 90).Draw(t, "from")) * time.Minute)
		for at.Before(morning) {
			points = append(points, Point{At: at, Waiting: rapid.IntRange(0, 20000).Draw(t, "waiting"), Admitted: rapid.IntRange(0, 3000).Draw(t, "admitted")})
			at = at.Add(time.Duration(rapid.IntRange(1, 12).Draw(t, "gap")) * time.Minute)
		}
		d := draw(points, morning)
		for _, p := range points {
			if p.Waiting > d.Top || p.Admitted > d.Top {
				t.Fatalf("%+v is above the scale, %d", p, d.Top)
			}
		}
	})
}
