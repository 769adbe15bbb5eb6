package alert_test

import (
	"testing"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
)

// What a second person said of a roll is what they were shown: when everybody else of it is
// marked absent later, it strikes again.
func TestReleasedRollThatGrows(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		m := lycee(t, db)
		m.at("08:06")
		roll := m.firstHour()[0]
		in := m.onRoll(roll)
		some := map[string]bool{}
		for p := range in {
			if len(some)*100 < len(in)*60 {
				some[p] = true
			}
		}
		if len(some) < 8 || len(in)-len(some) < 5 {
			t.Fatalf("%d of %d: this test tries nothing", len(some), len(in))
		}
		m.rolls(func(_ int, p string) bool { return some[p] })
		m.ask(roll.ID, "cpe")
		word := alert.Word{Absent: map[string]bool{}}
		for _, p := range m.held(roll.ID).Request.DrawnPupils() {
			word.Absent[p] = some[p]
		}
		if err := m.answer(roll.ID, "head", nil, word); err != nil {
			t.Fatal(err)
		}
		m.at("08:20")
		if n := len(m.toldPupils()); n != len(some) {
			t.Fatalf("%d told after the release, want %d", n, len(some))
		}
		m.rolls(func(_ int, p string) bool { return in[p] }) // inverted, or a slip of the thumb
		m.at("08:40")
		if n := len(m.toldPupils()); n != len(some) {
			t.Errorf("%d told of whom nobody was asked", n-len(some))
		}
	})
}
