package directory

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory/internal/intake"
	"github.com/preau-ent/preau/internal/directory/internal/plain"
)

// mapping is what a school said last that the columns of its own table are. That every
// adult is a legal representative is no part of it: it is said anew each time.
type mapping struct {
	bun.BaseModel `bun:"table:directory_mappings,alias:y"`
	School        string `bun:",pk"`
	Columns       string // JSON
	Digits        string
	Sheet         string
	SavedBy       string
	SavedAt       time.Time
}

func saveMapping(ctx context.Context, tx database.Tx, school, by string, h how, now time.Time) error {
	b, err := json.Marshal(h.Columns)
	if err != nil {
		return err
	}
	m := mapping{School: school, Columns: string(b), Digits: h.Dialect, Sheet: h.Sheet, SavedBy: by, SavedAt: database.Stamp(now)}
	_, err = tx.NewInsert().Model(&m).On("CONFLICT (school) DO UPDATE").Set("columns = EXCLUDED.columns").Set("digits = EXCLUDED.digits").
		Set("sheet = EXCLUDED.sheet").Set("saved_by = EXCLUDED.saved_by").Set("saved_at = EXCLUDED.saved_at").Exec(ctx)
	return err
}

// savedMapping reads it; false: the school never said.
func savedMapping(ctx context.Context, tx database.Tx, school string) (how, bool, error) {
	var m mapping
	err := found(tx.NewSelect().Model(&m).Where("y.school = ?", school).Scan(ctx))
	if errors.Is(err, ErrNotFound) {
		return how{}, false, nil
	}
	if err != nil {
		return how{}, false, err
	}
	h := how{Dialect: m.Digits, Sheet: m.Sheet}
	return h, true, json.Unmarshal([]byte(m.Columns), &h.Columns)
}

// proposed puts a mapping over what was proposed by the columns' names, where the table
// has every column of it.
func proposed(columns []plain.Column, m map[string]string) bool {
	at := map[string]int{}
	for i, c := range columns {
		at[intake.Fold(c.Name)] = i
	}
	fields := map[int]string{}
	for field, name := range m {
		i, ok := at[intake.Fold(name)]
		if !ok || !plain.IsField(field) {
			return false
		}
		fields[i] = field
	}
	if len(fields) == 0 {
		return false
	}
	for i := range columns {
		columns[i].Field = fields[i]
	}
	return true
}
