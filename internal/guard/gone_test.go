package guard

import (
	"context"
	"testing"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
)

// A school that left has nobody who would read what did not leave: its tool is refused, and
// no number and no words are kept.
func TestNothingIsTakenForASchoolThatLeft(t *testing.T) {
	both(t, func(w *world) {
		w.in(func(ctx context.Context, tx database.Tx) error {
			_, err := directory.Leave(ctx, tx, w.school, "operator", w.now)
			return err
		})
		id, err := w.guard.Accept(t.Context(), Offer{To: number(1), Text: "Léa est absente.", Via: "http"})
		if err == nil {
			t.Errorf("the tool was told that %s is accepted", id)
		}
		w.in(func(ctx context.Context, tx database.Tx) error {
			n, err := tx.NewSelect().Model((*Message)(nil)).Where("m.school = ? AND m.address <> ''", w.school).Count(ctx)
			if n != 0 {
				t.Errorf("%d numbers are kept", n)
			}
			return err
		})
	})
}
