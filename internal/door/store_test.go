package door

import (
	"context"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
)

// TestExchange: nodes hear one another through the database, one of them calls, and whoever
// has not spoken for a while is not heard.
func TestExchange(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		m := newNodes(2, 1)
		a, b := m.doors[0], m.doors[1]
		for range 30 {
			a.Look("", "", Who{Lane: Pupil, School: "s"})
		}
		exchange := func(d *Door, name string) {
			if err := d.Exchange(t.Context(), db, name); err != nil {
				t.Fatal(err)
			}
		}
		exchange(a, "a")
		exchange(b, "b")
		exchange(a, "a")
		key := lineKey{Pupil, hashOf("s")}
		l := b.lines[key]
		if l == nil {
			t.Fatal("b has not heard of the line at a")
		}
		if n := l.others.called + sum(l.others.alive); n < 20 || n > 40 || !l.others.lead || a.lines[key].others.lead {
			t.Errorf("b heard of %v people; a leads: %v, b leads: %v", n, l.others.lead, a.lines[key].others.lead)
		}
		m.now = m.now.Add(heardFor + time.Second)
		exchange(b, "b")
		if l.others.lead || sum(l.others.alive) > 0 {
			t.Error("a node that is silent is still heard")
		}
		m.now = m.now.Add(2 * time.Minute)
		exchange(b, "b")
		err := db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
			n, err := tx.NewSelect().Model((*nodeRow)(nil)).Count(ctx)
			if n != 1 {
				t.Errorf("%d nodes are kept", n)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func sum(of []float64) (n float64) {
	for _, v := range of {
		n += v
	}
	return n
}
