package directory

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
)

// ErrGone: the school has left this installation.
var ErrGone = errors.New("directory: this school left")

// tombstone says that a school left, when, and who decided.
type tombstone struct {
	bun.BaseModel `bun:"table:directory_tombstones,alias:t"`
	School        string `bun:",pk"`
	At            time.Time
	By            string
}

// Gone tells whether a school has left this installation.
func Gone(ctx context.Context, tx database.Tx, school string) (bool, error) {
	return tx.NewSelect().Model((*tombstone)(nil)).Where("t.school = ?", school).Exists(ctx)
}

// Leave puts up a school's tombstone and erases every address of its people: nobody can
// be written to from here any more, and no import brings them back. It gives how many
// contact points were erased. ErrGone: it had left already.
func Leave(ctx context.Context, tx database.Tx, school, by string, now time.Time) (int, error) {
	if gone, err := Gone(ctx, tx, school); err != nil || gone {
		return 0, errors.Join(err, map[bool]error{true: ErrGone}[gone])
	}
	if _, err := tx.NewInsert().Model(&tombstone{School: school, At: database.Stamp(now), By: by}).Exec(ctx); err != nil {
		return 0, err
	}
	if err := forgetUndo(ctx, tx, school); err != nil {
		return 0, err // it holds addresses
	}
	res, err := tx.NewUpdate().Model((*ContactPoint)(nil)).
		Set("address = 'erased ' || id, raw = '', ended_at = coalesce(ended_at, ?)", database.Stamp(now)).Where("school = ?", school).Exec(ctx)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}
