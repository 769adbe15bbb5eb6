package status

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/journal"
)

func TestIncidents(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, nil)
		i := w.say(Incident{From: w.now, Grade: Slow, Touches: []Part{Messages, Alerts}}, "  Un opérateur  est lent.\r\n\r\nProchaine nouvelle à 9 h.\n", "")
		w.now = w.now.Add(20 * time.Minute)
		w.in(func(ctx context.Context, tx database.Tx) error {
			_, err := AddNews(ctx, tx, w.journal, i.ID, "operator-account", "C'est réparé.", "It is mended.", w.now)
			return err
		})
		w.in(func(ctx context.Context, tx database.Tx) error {
			if err := End(ctx, tx, w.journal, i.ID, "operator-account", i.From.Add(-time.Second), w.now); !errors.Is(err, ErrTimes) {
				t.Errorf("an end before the beginning: %v", err)
			}
			if err := End(ctx, tx, w.journal, "nothing", "operator-account", w.now, w.now); !errors.Is(err, ErrNotFound) {
				t.Errorf("an end of nothing: %v", err)
			}
			return End(ctx, tx, w.journal, i.ID, "operator-account", w.now, w.now)
		})
		w.in(func(ctx context.Context, tx database.Tx) error {
			for _, text := range []string{"", " \n ", strings.Repeat("é", mostWords+1)} {
				if _, err := AddNews(ctx, tx, w.journal, i.ID, "x", text, "", w.now); !errors.Is(err, ErrWords) {
					t.Errorf("%d bytes of words: %v", len(text), err)
				}
			}
			got, err := Since(ctx, tx, w.now.Add(-time.Hour))
			if err != nil || len(got) != 1 || len(got[0].News) != 2 {
				t.Fatalf("%+v %v", got, err)
			}
			if got[0].News[0].FR != "Un opérateur est lent.\n\nProchaine nouvelle à 9 h." || got[0].Last().EN != "It is mended." {
				t.Errorf("%q %q", got[0].News[0].FR, got[0].Last().EN)
			}
			if len(got[0].Touches) != 2 || got[0].Grade != Slow || !got[0].Until.Equal(w.now) {
				t.Errorf("%+v", got[0])
			}
			if got, err := Since(ctx, tx, w.now); err != nil || len(got) != 0 {
				t.Errorf("over, and still there: %+v %v", got, err)
			}
			lines, err := journal.Of(ctx, tx, database.Installation, i.ID)
			if err != nil {
				return err
			}
			var acts []string
			for _, l := range lines {
				acts = append(acts, l.Act)
				if strings.Contains(l.Detail, "opérateur") {
					t.Errorf("the journal holds words: %s", l.Detail)
				}
			}
			if strings.Join(acts, " ") != "status.incident status.news status.news status.end" {
				t.Errorf("the journal has %v", acts)
			}
			_, faults, err := w.journal.Verify(ctx, tx, nil)
			if err != nil || len(faults) > 0 {
				t.Errorf("%v %v", faults, err)
			}
			return err
		})
	})
}

// TestWhatWasSaidStays attacks the tables with raw SQL.
func TestWhatWasSaidStays(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, nil)
		i := w.say(Incident{From: w.now, Grade: Slow, Touches: []Part{Messages}}, "Un opérateur est lent.", "")
		attacks := []string{
			"UPDATE status_news SET fr = 'rien'",
			"DELETE FROM status_news",
			"INSERT INTO status_news (incident, n, at, by, fr, en) SELECT incident, 3, at, by, fr, en FROM status_news",
			"INSERT INTO status_news (incident, n, at, by, fr, en) SELECT incident, 2, at, by, '', en FROM status_news",
			"DELETE FROM status_incidents",
			"UPDATE status_incidents SET grade = 'works'",
			"UPDATE status_incidents SET touches = ''",
			"UPDATE status_incidents SET until_at = '2020-01-01'",
			"UPDATE status_incidents SET by = 'somebody else'",
		}
		if db.Engine() == database.Postgres {
			attacks = append(attacks, "TRUNCATE status_news", "TRUNCATE status_incidents CASCADE")
		} else {
			attacks = append(attacks,
				"INSERT OR REPLACE INTO status_news (rowid, incident, n, at, by, fr, en) SELECT rowid, incident, 1, at, by, 'rien', en FROM status_news",
				"INSERT OR REPLACE INTO status_incidents (id, from_at, grade, touches, by, at) SELECT id, from_at, 'works', touches, by, at FROM status_incidents")
		}
		for _, sql := range attacks {
			if err := db.Statement(t.Context(), sql); err == nil {
				t.Errorf("taken: %s", sql)
			}
		}
		w.in(func(ctx context.Context, tx database.Tx) error {
			got, err := ByID(ctx, tx, i.ID)
			if err != nil || got.Last().FR != "Un opérateur est lent." || got.Grade != Slow {
				t.Errorf("%+v %v", got, err)
			}
			return err
		})
	})
}
