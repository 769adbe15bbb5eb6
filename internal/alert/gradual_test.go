package alert_test

import (
	"testing"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
)

// A morning that grew roll by roll and was released as a whole is told: what a second
// person said is true does not strike again at once.
func TestGradualMorningIsReleasedOnce(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		m := lycee(t, db)
		m.at("08:06")
		n := 0
		for step := 20; step <= 200; step += 20 { // each judged before the next
			n = m.rolls(func(i int, _ string) bool { return i < step && i%2 == 0 })
		}
		if len(m.held("").Trips) == 0 {
			t.Fatal("nothing struck: this test tries nothing")
		}
		m.at("08:18")
		m.ask("", "cpe")
		held := len(m.held("").Pupils)
		if err := m.answer("", "head", nil, alert.Word{Expected: held}); err != nil {
			t.Fatal(err)
		}
		m.at("08:19")
		if h := m.held(""); len(h.Trips) != 0 {
			t.Errorf("%d of %d are held again for what was just said to be true: %v", len(h.Pupils), n, signs(h.Trips))
		}
	})
}
