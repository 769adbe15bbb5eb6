package classroom

import (
	"context"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
)

// What was written stays with the lesson until its school year is over everywhere, and no longer;
// who came stays.
func TestTalkIsPurgedWithTheYear(t *testing.T) {
	t.Parallel()
	each(t, func(s *school) {
		s.get("roy")
		s.do("roy", "talk", 303, "talk", "all")
		s.get("lea")
		s.do("lea", "say", 303, "words", "bonjour")
		s.do("lea", "hand", 303)
		for _, c := range []struct {
			at          time.Time
			kept, there int
		}{
			{s.now.AddDate(0, 0, 100), 2, 2},
			{time.Date(2027, time.July, 31, 23, 0, 0, 0, time.UTC), 2, 2},
			{time.Date(2027, time.August, 1, 23, 59, 0, 0, time.UTC), 2, 2},
			{time.Date(2027, time.August, 2, 0, 1, 0, 0, time.UTC), 0, 2},
		} {
			var kept, there int
			s.write(func(ctx context.Context, tx database.Tx) error {
				if err := PurgeTalk(ctx, tx, c.at); err != nil {
					return err
				}
				if err := tx.NewRaw("SELECT (SELECT count(*) FROM classroom_words) + (SELECT count(*) FROM classroom_hands)").Scan(ctx, &kept); err != nil {
					return err
				}
				return tx.NewRaw("SELECT count(*) FROM classroom_people").Scan(ctx, &there)
			})
			if kept != c.kept || there != c.there {
				t.Errorf("on %s: %d words and hands, want %d; %d people, want %d", c.at, kept, c.kept, there, c.there)
			}
		}
	})
}
