package followup

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/preau-ent/preau/internal/directory"
)

// Nobody is named whose days without a sign are fewer than asked, or were our own doing, or who
// gave a sign since; whoever gave none on the days that count is.
func TestJudge(t *testing.T) {
	t.Parallel()
	named := 0
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(leastDays, mostDays).Draw(t, "n")
		var days []Day
		count := rapid.IntRange(1, 20).Draw(t, "days")
		quiet := rapid.IntRange(0, 12).Draw(t, "quiet")
		for i := range count {
			d := Day{Day: fmt.Sprintf("2026-11-%02d", i+1), Signs: map[Kind]int{}, Expected: rapid.IntRange(0, 4).Draw(t, "expected") > 0, Ours: rapid.IntRange(0, 5).Draw(t, "ours") == 0}
			if i < count-quiet && rapid.Bool().Draw(t, "sign") {
				d.Signs[rapid.SampledFrom(Kinds()).Draw(t, "kind")] = rapid.IntRange(1, 6).Draw(t, "signs")
			}
			days = append(days, d)
		}
		today := days[count-1].Day
		why, ok := Judge(days, today, n)
		without := 0
		for i := count - 1; i >= 0; i-- {
			if days[i].signs() > 0 {
				break
			}
			if days[i].Counts() && days[i].Day < today {
				without++
			}
		}
		if silent := ok && why.Because == Silent; silent != (without >= n) {
			t.Fatalf("named %v, %d days that count without a sign of %d: %+v", silent, without, n, days)
		}
		if ok && why.Because == Falling && (why.Now*fewer > why.Before || why.Before < many*n) {
			t.Fatalf("falling: %+v", why)
		}
		if ok {
			named++
		}
	})
	if named == 0 {
		t.Error("nobody was ever named")
	}
}

func TestPeriods(t *testing.T) {
	t.Parallel()
	good := Period{Purpose: "Retrouver les élèves dont nous n'avons plus de nouvelles", Days: 3, UntilOn: "2027-07-31"}
	if err := good.Check("2026-11-24"); err != nil {
		t.Error(err)
	}
	for name, p := range map[string]Period{
		"no purpose":    {Purpose: "suivi", Days: 3, UntilOn: "2027-01-31"},
		"one day":       {Purpose: good.Purpose, Days: 1, UntilOn: "2027-01-31"},
		"over the year": {Purpose: good.Purpose, Days: 3, UntilOn: "2027-09-01"},
		"over already":  {Purpose: good.Purpose, Days: 3, UntilOn: "2026-11-23"},
	} {
		if p.Check("2026-11-24") == nil {
			t.Error(name)
		}
	}
	for day, want := range map[string]string{"2026-11-24": "2027-07-31", "2027-07-31": "2027-07-31", "2027-08-01": "2028-07-31"} {
		if got := directory.YearEnd(day); got != want {
			t.Errorf("%s: %s, want %s", day, got, want)
		}
	}
}
