package alert

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// voices are answers in order, "person says" each.
func voices(lines ...string) []Answer {
	var out []Answer
	for i, l := range lines {
		person, what, _ := strings.Cut(l, " ")
		f := Answer{N: i + 1, Person: person, Answer: FamilySays(what), At: clock(8, 20+i)}
		if f.Answer == Announced {
			f.Span = HalfDay
		}
		out = append(out, f)
	}
	return out
}

func TestWhatAFamilySays(t *testing.T) {
	for _, c := range []struct {
		answers     []Answer
		quiet       string // who quietens; empty: nobody
		missed      int
		contradicts bool
	}{
		{nil, "", 0, false},
		{voices("nadia announced"), "nadia", 0, false},
		{voices("nadia announced", "karim announced"), "karim", 0, false},
		{voices("nadia coming"), "", 0, false},
		{voices("nadia announced", "karim coming"), "nadia", 0, false},
		{voices("nadia should_be_here"), "", 1, false},
		{voices("nadia announced", "karim should_be_here"), "", 1, true},
		{voices("nadia should_be_here", "karim announced"), "", 1, true},
		{voices("nadia should_be_here", "karim coming"), "", 1, true},
		{voices("nadia should_be_here", "karim should_be_here"), "", 2, false},
		{voices("nadia should_be_here", "nadia announced"), "nadia", 0, false},
		{voices("nadia announced", "nadia should_be_here"), "", 1, false},
		{voices("nadia announced", "karim should_be_here", "karim announced"), "karim", 0, false},
		{voices("nadia announced", "karim should_be_here", "karim coming"), "nadia", 0, false},
		{voices("nadia announced", "nadia unclear"), "nadia", 0, false},
		{voices("nadia should_be_here", "nadia unclear"), "", 1, false},
		{voices("nadia unclear"), "", 0, false},
	} {
		f, quiet := Quieting(c.answers)
		if quiet != (c.quiet != "") || f.Person != c.quiet || len(Missed(c.answers)) != c.missed || Contradicts(c.answers) != c.contradicts {
			t.Errorf("%+v: quiet %v by %q, %d missed, contradicts %v", c.answers, quiet, f.Person, len(Missed(c.answers)), Contradicts(c.answers))
		}
	}
}

// As long as anybody's last word is that the pupil should be in class, nothing quietens
// the alerts; and nobody's word takes back another's.
func TestNobodySilencesAnother(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.Custom(func(t *rapid.T) string {
			return rapid.SampledFrom([]string{"nadia", "karim", "lea"}).Draw(t, "who") + " " +
				string(rapid.SampledFrom([]FamilySays{Announced, ShouldBeHere, Coming, Unclear}).Draw(t, "says"))
		})
		answers := voices(rapid.SliceOfN(line, 0, 8).Draw(t, "answers")...)
		last := map[string]FamilySays{}
		for _, f := range answers {
			if f.Answer != Unclear {
				last[f.Person] = f.Answer
			}
		}
		missed, announced := 0, 0
		for _, says := range last {
			switch says {
			case ShouldBeHere:
				missed++
			case Announced:
				announced++
			}
		}
		f, quiet := Quieting(answers)
		if len(Latest(answers)) != len(last) || len(Missed(answers)) != missed || quiet != (missed == 0 && announced > 0) || quiet && last[f.Person] != Announced {
			t.Fatalf("%+v: quiet %v by %q", answers, quiet, f.Person)
		}
	})
}

func TestQuietUntil(t *testing.T) {
	for _, c := range []struct {
		half string
		span Span
		want time.Time
	}{
		{"2026-11-24/am", HalfDay, clock(13, 0)},
		{"2026-11-24/am", WholeDay, clock(24, 0)},
		{"2026-11-24/pm", HalfDay, clock(24, 0)},
		{"2026-11-24/pm", WholeDay, clock(24, 0)},
	} {
		if got, err := QuietUntil(Answer{Answer: Announced, Span: c.span}, Episode{HalfDay: c.half}, paris); err != nil || !got.Equal(c.want) {
			t.Errorf("%s %s: %s %v", c.half, c.span, got, err)
		}
	}
}

func TestReadReply(t *testing.T) {
	for text, want := range map[string]FamilySays{
		"1": Announced, " 1 ": Announced, "1.": Announced, "(1)": Announced, "«1»": Announced, "1\n": Announced, "１": Announced, "#1!": Announced, "\u00a01\u00a0": Announced,
		"2": ShouldBeHere, "2 !": ShouldBeHere, "-2-": ShouldBeHere,
		"": "", "3": "", "12": "", "1 2": "", "1 ou 2": "", "1 elle a de la fièvre": "", "un": "", "oui": "", "-": "", "①": Announced,
		strings.Repeat("1", 300): "", "1" + strings.Repeat(" ", 300): "",
	} {
		if got, ok := ReadReply(text); got != want || ok != (want != "") {
			t.Errorf("%.20q: %q %v, want %q", text, got, ok, want)
		}
	}
}

func TestOverdue(t *testing.T) {
	f := Answer{Answer: Coming, At: clock(8, 20)}
	for minute, want := range map[int]bool{20: false, 64: false, 65: true, 200: true} {
		if got := Overdue(f, clock(8, minute)); got != want {
			t.Errorf("at 8:%d: %v", minute, got)
		}
	}
	if Overdue(Answer{Answer: Announced, At: clock(8, 0)}, clock(12, 0)) {
		t.Error("an announced absence is overdue")
	}
}

func TestFamilyReasonsSayNothingOfHealth(t *testing.T) {
	for _, r := range FamilyReasons() {
		if slices.Contains([]string{"ill", "sick", "illness", "health", "medical", "doctor"}, r) {
			t.Errorf("%s", r)
		}
	}
}
