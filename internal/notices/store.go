package notices

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
)

// ErrNotFound: there is no such request in this school.
var ErrNotFound = errors.New("notices: not found")

// ByID reads a request; ErrNotFound.
func ByID(ctx context.Context, tx database.Tx, school, id string) (Request, error) {
	var r Request
	err := tx.NewSelect().Model(&r).Where("r.school = ? AND r.id = ?", school, id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return r, ErrNotFound
	}
	return r, err
}

// Recent lists the last requests of a school, newest first.
func Recent(ctx context.Context, tx database.Tx, school string, limit int64) ([]Request, error) {
	var rows []Request
	err := tx.NewSelect().Model(&rows).Where("r.school = ?", school).OrderExpr("r.asked_at DESC, r.id").Limit(limit).Scan(ctx)
	return rows, err
}

// Waiting lists the requests of a school that wait for their second person, oldest
// first.
func Waiting(ctx context.Context, tx database.Tx, school string, now time.Time) ([]Request, error) {
	var rows []Request
	err := tx.NewSelect().Model(&rows).Where("r.state = ? AND r.school = ?", Asked, school).Order("asked_at", "id").Scan(ctx)
	return slices.DeleteFunc(rows, func(r Request) bool { return lapsed(r, now) }), err
}

// confirmedLately lists the requests that were confirmed in the seven days that end
// with a day.
func confirmedLately(ctx context.Context, tx database.Tx, school, day string) ([]Request, error) {
	var rows []Request
	err := tx.NewSelect().Model(&rows).Where("r.school = ? AND r.confirmed_on > ? AND r.confirmed_on <> ''", school, weekBefore(day)).Scan(ctx)
	return rows, err
}

// atWork lists the requests of all schools that something may have to be done about.
func atWork(ctx context.Context, tx database.Tx) ([]Request, error) {
	var rows []Request
	err := tx.NewSelect().Model(&rows).Where("r.state IN ('asked', 'confirmed')").Order("school", "asked_at").Scan(ctx)
	return rows, err
}

// inState lists the requests of a school in a state, oldest first.
func inState(ctx context.Context, tx database.Tx, school string, state State) ([]Request, error) {
	var rows []Request
	err := tx.NewSelect().Model(&rows).Where("r.state = ? AND r.school = ?", state, school).Order("asked_at", "id").Scan(ctx)
	return rows, err
}

// recipients lists all addresses of a request, in order.
func recipients(ctx context.Context, tx database.Tx, r Request) ([]recipient, error) {
	var rows []recipient
	err := tx.NewSelect().Model(&rows).Where("n.school = ? AND n.request = ?", r.School, r.ID).Order("n").Scan(ctx)
	return rows, err
}

// asLetter gives an address its letter.
func asLetter(ctx context.Context, tx database.Tx, to recipient) error {
	res, err := tx.NewUpdate().Model(&to).Column("letter").WherePK().Where("n.letter IS NULL").Exec(ctx)
	return one(res, err)
}

// behind reads, by letter, the addresses of a school's letters and their requests.
func behind(ctx context.Context, tx database.Tx, school string, letters []string) (map[string]recipient, map[string]Request, error) {
	var rows []recipient
	if err := tx.NewSelect().Model(&rows).Where("n.school = ? AND n.letter IN (?)", school, bun.List(letters)).Scan(ctx); err != nil || len(rows) == 0 {
		return nil, nil, err
	}
	by, ids := map[string]recipient{}, []string{}
	for _, n := range rows {
		by[n.Letter] = n
		if !slices.Contains(ids, n.Request) {
			ids = append(ids, n.Request)
		}
	}
	var requests []Request
	err := tx.NewSelect().Model(&requests).Where("r.school = ? AND r.id IN (?)", school, bun.List(ids)).Scan(ctx)
	of := map[string]Request{}
	for _, r := range requests {
		of[r.ID] = r
	}
	return by, of, err
}

func insertRecipients(ctx context.Context, tx database.Tx, rows []recipient) error {
	for part := range slices.Chunk(rows, 500) {
		if _, err := tx.NewInsert().Model(&part).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// confirm moves a request from asked to confirmed.
func confirm(ctx context.Context, tx database.Tx, r Request) error {
	r.State = Confirmed
	res, err := tx.NewUpdate().Model(&r).Column("state", "confirmed_by", "confirmed_at", "confirmed_on", "expires_at", "seal").WherePK().Where("r.state = ?", Asked).Exec(ctx)
	return one(res, err)
}

// settle moves a request on, only from the state that was read.
func settle(ctx context.Context, tx database.Tx, r Request, to State, because Because, by string, now time.Time) error {
	res, err := tx.NewUpdate().Model((*Request)(nil)).Set("state = ?, because = ?, settled_by = ?, settled_at = ?", to, because, by, database.Stamp(now)).
		Where("r.school = ? AND r.id = ? AND r.state = ?", r.School, r.ID, r.State).Exec(ctx)
	return one(res, err)
}

var errMoved = errors.New("notices: the request moved meanwhile")

func one(res sql.Result, err error) error {
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return errMoved
}
