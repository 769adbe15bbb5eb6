package databasetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/preau-ent/preau/internal/database"
)

// Guarded is a table whose rows the schema itself protects, whoever writes the SQL.
type Guarded struct {
	Name string
	// MayChange are the columns that move on; how far is for a test of their own. No other
	// column ever changes, and no row goes.
	MayChange []string
}

// Withstand attacks every row of the tables with raw SQL: each column that never changes is
// changed, rows are deleted, replaced by their key, by their rowid and by a conflict, and the
// tables emptied. Every attack must be refused by a guard or change nothing.
// Each table must have two rows at least: one to attack, and one to attack it with.
func Withstand(t *testing.T, db *database.DB, tables []Guarded) {
	t.Helper()
	a := attacker{t: t, db: db, sqlite: db.Engine() == database.SQLite}
	if a.sqlite {
		// Any connection may turn this off: then a REPLACE deletes without a word.
		a.must("PRAGMA recursive_triggers = 0")
		defer a.must("PRAGMA recursive_triggers = 1")
	}
	before := map[string]string{}
	for _, g := range tables {
		before[g.Name] = a.contents(g.Name)
	}
	for _, g := range tables {
		a.table(g)
	}
	for _, g := range tables {
		if now := a.contents(g.Name); now != before[g.Name] {
			t.Errorf("%s has changed:\n%s\nwas\n%s", g.Name, now, before[g.Name])
		}
	}
}

type attacker struct {
	t      *testing.T
	db     *database.DB
	sqlite bool
}

// column of a table; kind is its type, in capitals.
type column struct {
	Name string
	Kind string
	Key  int // place in the primary key, from 1; 0: none
}

// mostRows of a table are attacked one by one.
const mostRows = 8

func (a attacker) table(g Guarded) {
	a.t.Helper()
	columns := a.columns(g.Name)
	var names, key []string
	for _, c := range columns {
		names = append(names, c.Name)
		if c.Key > 0 {
			key = append(key, c.Name)
		}
	}
	for _, name := range g.MayChange {
		if !slices.Contains(names, name) {
			a.t.Errorf("%s has no column %s", g.Name, name)
		}
	}
	rows := a.rows(g.Name, key)
	if len(rows) < 2 {
		a.t.Errorf("%s: %d rows are too few to be attacked", g.Name, len(rows))
		return
	}
	rows = rows[:min(len(rows), mostRows)]
	update := "UPDATE "
	if a.sqlite {
		update = "UPDATE OR REPLACE "
	}
	list := strings.Join(names, ", ")
	for i, where := range rows {
		for _, c := range columns {
			if slices.Contains(g.MayChange, c.Name) {
				continue
			}
			a.refused(fmt.Sprintf("%s%s SET %s = %s WHERE %s", update, g.Name, c.Name, a.other(c), where))
			// A value that some other row has is one that every CHECK takes.
			a.refused(fmt.Sprintf("%s%s SET %s = (SELECT o.%s FROM %s o WHERE o.%s <> %s.%s LIMIT 1) WHERE %s AND EXISTS (SELECT 1 FROM %s o WHERE o.%s <> %s.%s)",
				update, g.Name, c.Name, c.Name, g.Name, c.Name, g.Name, c.Name, where, g.Name, c.Name, g.Name, c.Name))
		}
		a.refused(fmt.Sprintf("DELETE FROM %s WHERE %s", g.Name, where))
		last := columns[slices.IndexFunc(columns, func(c column) bool { return c.Name == key[len(key)-1] })]
		a.refused(fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s WHERE %s ON CONFLICT (%s) DO UPDATE SET %s = %s", g.Name, list, list, g.Name, where, strings.Join(key, ", "), last.Name, a.excluded(g.Name, last)))
		if !a.sqlite {
			continue
		}
		a.refused(fmt.Sprintf("INSERT OR REPLACE INTO %s (%s) SELECT %s FROM %s WHERE %s", g.Name, list, list, g.Name, where))
		// A new key on the row's place: the row would go without being named.
		instead := slices.Clone(names)
		instead[slices.Index(names, last.Name)] = a.other(last)
		a.refused(fmt.Sprintf("INSERT OR REPLACE INTO %s (rowid, %s) SELECT rowid, %s FROM %s WHERE %s", g.Name, list, strings.Join(instead, ", "), g.Name, where))
		next := rows[(i+1)%len(rows)]
		a.refused(fmt.Sprintf("UPDATE OR REPLACE %s SET rowid = (SELECT o.rowid FROM %s o WHERE %s) WHERE %s", g.Name, g.Name, next, where))
	}
	a.refused("DELETE FROM " + g.Name)
	if !a.sqlite {
		a.refused("TRUNCATE " + g.Name)
		a.refused("TRUNCATE " + g.Name + " CASCADE")
	}
}

// other is an expression for another value than a column has.
func (a attacker) other(c column) string {
	switch {
	case strings.Contains(c.Kind, "BOOL"):
		return "NOT " + c.Name
	case strings.Contains(c.Kind, "INT"):
		return "coalesce(" + c.Name + ", 0) + 1"
	case strings.Contains(c.Kind, "TIMESTAMP"):
		if a.sqlite {
			return "'2031-01-01 00:00:00'"
		}
		return "coalesce(" + c.Name + ", now()) + interval '1 day'"
	}
	return "coalesce(" + c.Name + ", '') || 'x'"
}

func (a attacker) excluded(table string, c column) string {
	return strings.ReplaceAll(a.other(c), c.Name, table+"."+c.Name)
}

func (a attacker) must(query string) {
	a.t.Helper()
	if err := a.db.Statement(a.t.Context(), query); err != nil {
		a.t.Fatal(err)
	}
}

// errUndone takes an attack back that was not refused, so that the next one finds the row.
var errUndone = errors.New("undone")

// attack tries a statement, takes it back, and gives how many rows it would have changed.
func (a attacker) attack(query string) (rows int64, err error) {
	a.t.Helper()
	err = a.db.Write(a.t.Context(), func(ctx context.Context, tx database.Tx) error {
		res, err := tx.NewRaw(query).Exec(ctx)
		if err != nil {
			return err
		}
		if rows, err = res.RowsAffected(); err != nil {
			return err
		}
		return errUndone
	})
	if errors.Is(err, errUndone) {
		err = nil
	}
	return rows, err
}

// refused fails when a statement is taken, or is refused for another reason than a guard.
func (a attacker) refused(query string) {
	a.t.Helper()
	// A guard may also let a statement pass by, without a row that it changes.
	if rows, err := a.attack(query); err == nil && (rows > 0 || strings.HasPrefix(query, "TRUNCATE")) {
		a.t.Errorf("taken: %s", query)
	} else if err != nil && !byGuard(err) {
		a.t.Errorf("refused for another reason: %s: %v", query, err)
	}
}

// byGuard tells whether an error is a trigger's of the tables' owners, or a constraint's.
func byGuard(err error) bool {
	text := strings.ToLower(err.Error())
	if strings.Contains(text, "constraint") {
		return true
	}
	for _, owner := range []string{"journal", "directory", "attendance", "courier", "alert", "notices", "guard", "database"} {
		if strings.Contains(text, owner+": ") {
			return true
		}
	}
	return false
}

func (a attacker) read(what any, query string, args ...any) {
	a.t.Helper()
	err := a.db.Read(a.t.Context(), func(ctx context.Context, tx database.Tx) error { return tx.NewRaw(query, args...).Scan(ctx, what) })
	if err != nil {
		a.t.Fatalf("%s: %v", query, err)
	}
}

func (a attacker) columns(table string) (out []column) {
	a.t.Helper()
	if a.sqlite {
		a.read(&out, "SELECT name, upper(type) AS kind, pk AS key FROM pragma_table_info(?) ORDER BY cid", table)
	} else {
		a.read(&out, `SELECT c.column_name AS name, upper(c.data_type) AS kind, coalesce(k.ordinal_position, 0) AS key FROM information_schema.columns c
			LEFT JOIN information_schema.table_constraints p ON p.table_schema = c.table_schema AND p.table_name = c.table_name AND p.constraint_type = 'PRIMARY KEY'
			LEFT JOIN information_schema.key_column_usage k ON k.constraint_name = p.constraint_name AND k.table_schema = p.table_schema AND k.table_name = c.table_name AND k.column_name = c.column_name
			WHERE c.table_schema = current_schema() AND c.table_name = ? ORDER BY c.ordinal_position`, table)
	}
	if len(out) == 0 {
		a.t.Fatalf("there is no table %s", table)
	}
	return out
}

// rows gives, for each row, what finds it.
func (a attacker) rows(table string, key []string) (out []string) {
	a.t.Helper()
	var parts []string
	for _, k := range key {
		parts = append(parts, fmt.Sprintf("'%s = ''' || replace(CAST(%s AS TEXT), '''', '''''') || ''''", k, k))
	}
	a.read(&out, "SELECT "+strings.Join(parts, " || ' AND ' || ")+" FROM "+table+" ORDER BY 1")
	return out
}

// contents is everything that a table has, as text.
func (a attacker) contents(table string) string {
	a.t.Helper()
	var parts, out []string
	for _, c := range a.columns(table) {
		parts = append(parts, "coalesce(CAST("+c.Name+" AS TEXT), '-')")
	}
	a.read(&out, "SELECT "+strings.Join(parts, " || '|' || ")+" FROM "+table+" ORDER BY 1")
	return strings.Join(out, "\n")
}
