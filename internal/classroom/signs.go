package classroom

import (
	"context"
	"time"

	"github.com/preau-ent/preau/internal/database"
)

// Sign is something that somebody did in a class.
type Sign struct {
	Person string
	Kind   string // class, door, hand, word
	At     time.Time
}

// Signs lists what people did in classes during a time, without what they said.
func Signs(ctx context.Context, tx database.Tx, school string, from, until time.Time) (out []Sign, err error) {
	from, until = database.Stamp(from), database.Stamp(until)
	for _, q := range []struct{ kind, table, at string }{{"door", "classroom_people", "asked_at"}, {"class", "classroom_presence", "from_at"}, {"hand", "classroom_hands", "raised_at"}, {"word", "classroom_words", "at"}} {
		var rows []Sign
		err := tx.NewSelect().TableExpr("? AS s", ident(q.table)).ColumnExpr("s.person AS person, s.? AS at", ident(q.at)).
			Where("s.school = ? AND s.? >= ? AND s.? < ?", school, ident(q.at), from, ident(q.at), until).Scan(ctx, &rows)
		if err != nil {
			return nil, err
		}
		for _, s := range rows {
			s.Kind = q.kind
			out = append(out, s)
		}
	}
	return out, nil
}
