package courier

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/preau-ent/preau/internal/database"
)

// Sent counts the letters of a kind that began to leave a school since a moment, and says
// when the last of them did. What was not left out of this count is what a school can
// say of itself: every letter is a row before it leaves. Exercises do not count.
func Sent(ctx context.Context, tx database.Tx, school string, kind Kind, since time.Time) (n int64, last time.Time, err error) {
	where := "l.school = ? AND l.kind = ? AND l.attempts > 0 AND NOT l.exercise AND l.created_at >= ? AND l.leaving_at >= ?"
	args := []any{school, kind, database.Stamp(since.Add(-12 * time.Hour)), database.Stamp(since)}
	if n, err = tx.NewSelect().Model((*Letter)(nil)).Where(where, args...).Count(ctx); err != nil || n == 0 {
		return n, last, err
	}
	var l Letter
	err = tx.NewSelect().Model(&l).Column("leaving_at").Where(where, args...).OrderExpr("l.leaving_at DESC").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return n, l.LeavingAt, err
}
