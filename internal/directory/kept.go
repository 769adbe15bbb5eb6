package directory

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
)

// row is one row of a table that imports write.
type row interface {
	shelf() string         // the table, in what is kept
	key() string           // the row in it, beside its school
	moments() []*time.Time // its times, which the engines give back in zones of their own
	people() []string      // whom it is about
	group() string         // the class or group that it is about, or ""
}

// naming is what an import writes of a school that is there: the rest is the school's own.
type naming struct {
	bun.BaseModel `bun:"table:directory_schools,alias:s"`
	ID            string `bun:",pk"`
	SourceKey     string
	Name          string
}

func (n *naming) shelf() string         { return "school" }
func (n *naming) key() string           { return n.ID }
func (n *naming) moments() []*time.Time { return nil }
func (n *naming) people() []string      { return nil }
func (n *naming) group() string         { return "" }

func (p *Person) shelf() string         { return "people" }
func (p *Person) key() string           { return p.ID }
func (p *Person) moments() []*time.Time { return nil }
func (p *Person) people() []string      { return []string{p.ID} }
func (p *Person) group() string         { return "" }

func (c *ContactPoint) shelf() string { return "contacts" }
func (c *ContactPoint) key() string   { return c.ID }
func (c *ContactPoint) moments() []*time.Time {
	return []*time.Time{&c.VerifiedAt, &c.EndedAt, &c.StoppedAt}
}
func (c *ContactPoint) people() []string { return []string{c.Person} }
func (c *ContactPoint) group() string    { return "" }

func (l *Link) shelf() string         { return "links" }
func (l *Link) key() string           { return l.Pupil + " " + l.Adult }
func (l *Link) moments() []*time.Time { return []*time.Time{&l.ChosenAt, &l.EndedAt} }
func (l *Link) people() []string      { return []string{l.Pupil, l.Adult} }
func (l *Link) group() string         { return "" }

func (g *Group) shelf() string         { return "groups" }
func (g *Group) key() string           { return g.ID }
func (g *Group) moments() []*time.Time { return nil }
func (g *Group) people() []string      { return nil }
func (g *Group) group() string         { return g.ID }

func (m *Member) shelf() string         { return "members" }
func (m *Member) key() string           { return m.Grp + " " + m.Person }
func (m *Member) moments() []*time.Time { return nil }
func (m *Member) people() []string      { return []string{m.Person} }
func (m *Member) group() string         { return m.Grp }

func (v *Service) shelf() string         { return "services" }
func (v *Service) key() string           { return v.Staff + " " + v.Grp + " " + v.Subject }
func (v *Service) moments() []*time.Time { return nil }
func (v *Service) people() []string      { return []string{v.Staff} }
func (v *Service) group() string         { return v.Grp }

func (t *Task) shelf() string         { return "tasks" }
func (t *Task) key() string           { return t.ID }
func (t *Task) moments() []*time.Time { return []*time.Time{&t.OpenedAt, &t.ClosedAt} }
func (t *Task) people() []string      { return []string{t.Person} }
func (t *Task) group() string         { return "" }

// shelf reads and writes the rows of one table, for an undo.
type shelf struct {
	name   string
	all    func(ctx context.Context, tx database.Tx, school string) (map[string]row, error)
	parse  func(text []byte) (row, error)
	remove func(ctx context.Context, tx database.Tx, school string, keys []string) error
}

// shelves are the tables that imports write, in an order in which rows can be added.
func shelves() []shelf {
	return []shelf{shelfOf[naming]("id"), shelfOf[Person]("id"), shelfOf[ContactPoint]("id"), shelfOf[Link]("pupil", "adult"), shelfOf[Group]("id"),
		shelfOf[Member]("grp", "person"), shelfOf[Service]("staff", "grp", "subject"), shelfOf[Task]("id")}
}

func shelfOf[T any, R interface {
	*T
	row
}](key ...string) shelf {
	name := R(new(T)).shelf()
	return shelf{name: name,
		all: func(ctx context.Context, tx database.Tx, school string) (map[string]row, error) {
			var rows []T
			column := "school"
			if name == "school" {
				column = "id"
			}
			err := tx.NewSelect().Model(&rows).Where("?TableAlias.? = ?", bun.Ident(column), school).Scan(ctx)
			out := make(map[string]row, len(rows))
			for i := range rows {
				r := R(&rows[i])
				out[r.key()] = r
			}
			return out, err
		},
		parse: func(text []byte) (row, error) {
			r := R(new(T))
			return r, json.Unmarshal(text, r)
		},
		remove: func(ctx context.Context, tx database.Tx, school string, keys []string) error {
			one := ", (" + strings.Repeat("?, ", len(key)-1) + "?)"
			for part := range slices.Chunk(keys, 500) {
				var values []any
				for _, k := range part {
					for _, v := range strings.SplitN(k, " ", len(key)) {
						values = append(values, v)
					}
				}
				// Row by row, SQLite would spend most of the time on reading the statements.
				_, err := tx.NewDelete().Model((*T)(nil)).Where("school = ?", school).
					Where("("+strings.Join(key, ", ")+") IN (VALUES "+strings.Repeat(one, len(part))[2:]+")", values...).Exec(ctx)
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// holding is what a school has on the shelves: table → key → row.
type holding map[string]map[string]row

func holdingOf(ctx context.Context, tx database.Tx, school string) (holding, error) {
	h := holding{}
	for _, s := range shelves() {
		var err error
		if h[s.name], err = s.all(ctx, tx, school); err != nil {
			return nil, err
		}
	}
	return h, nil
}

func (h holding) put(r row) {
	if h[r.shelf()] == nil {
		h[r.shelf()] = map[string]row{}
	}
	h[r.shelf()][r.key()] = r
}

// rowsOf gives copies of the rows of one table, in the order of their keys.
func rowsOf[T any, R interface {
	*T
	row
}](h holding) []T {
	shelf := h[R(new(T)).shelf()]
	out := make([]T, 0, len(shelf))
	for _, k := range slices.Sorted(maps.Keys(shelf)) {
		out = append(out, *shelf[k].(R))
	}
	return out
}

// kept is one row that an import wrote.
type kept struct {
	Shelf string          `json:"s"`
	Key   string          `json:"k"`
	Was   json.RawMessage `json:"w,omitempty"` // before; absent: it was not there
	Mark  string          `json:"m,omitempty"` // of what it became; "": it went
}

// textOf is a row as text, the same on both engines.
func textOf(r row) []byte {
	for _, at := range r.moments() {
		*at = at.UTC()
	}
	text, err := json.Marshal(r)
	if err != nil {
		panic(err) // strings and times
	}
	return text
}

// markOf is short for what a row is: another text, another mark.
func markOf(r row) string {
	sum := sha256.Sum256(textOf(r))
	return hex.EncodeToString(sum[:8])
}

// came, turned and went keep what an import is about to write, for its undo, and have the
// rest of the plan see it.
func (im *importing) came(r row) {
	im.kept = append(im.kept, kept{Shelf: r.shelf(), Key: r.key(), Mark: markOf(r)})
	im.have.put(r)
}

func (im *importing) turned(from, to row) {
	im.kept = append(im.kept, kept{Shelf: to.shelf(), Key: to.key(), Was: textOf(from), Mark: markOf(to)})
	im.have.put(to)
}

func (im *importing) went(r row) {
	im.kept = append(im.kept, kept{Shelf: r.shelf(), Key: r.key(), Was: textOf(r)})
	delete(im.have[r.shelf()], r.key())
}

// addRows adds what came, in the order of its keys: an index grows faster at one end than
// all over.
func addRows[T any, R interface {
	*T
	row
}](im *importing, rows []T) {
	slices.SortFunc(rows, func(a, b T) int { return strings.Compare(R(&a).key(), R(&b).key()) })
	for i := range rows {
		im.came(R(&rows[i]))
	}
	im.changed += len(rows)
	im.writes = append(im.writes, func(ctx context.Context, tx database.Tx) error { return insert(ctx, tx, rows) })
}

// stopped corrects the marks of contact points that began stopped: the database knew of
// somebody's STOP to the same number, see 0012_answers.
func (im *importing) stopped(ctx context.Context, tx database.Tx) error {
	var rows []ContactPoint
	err := tx.NewSelect().Model(&rows).Where("c.school = ? AND c.stopped_at IS NOT NULL", im.school).Scan(ctx)
	if err != nil || len(rows) == 0 {
		return err
	}
	marks := make(map[string]string, len(rows))
	for i := range rows {
		marks[rows[i].ID] = markOf(&rows[i])
	}
	for i, k := range im.kept {
		if mark, is := marks[k.Key]; is && k.Shelf == "contacts" && len(k.Was) == 0 {
			im.kept[i].Mark = mark
		}
	}
	return im.keptAsText()
}

func (im *importing) keptAsText() (err error) {
	im.keptText, err = json.Marshal(im.kept)
	return err
}

// keepRows keeps what an import wrote over, in the place of what the one before it did.
func (im *importing) keepRows(ctx context.Context, tx database.Tx, id string) error {
	if err := forgetUndo(ctx, tx, im.school); err != nil {
		return err
	}
	_, err := tx.NewInsert().Model(&undoRow{School: im.school, Import: id, At: im.now, Kept: string(im.keptText)}).Exec(ctx)
	return err
}

type undoRow struct {
	bun.BaseModel `bun:"table:directory_undo,alias:u"`
	School        string `bun:",pk"`
	Import        string
	At            time.Time
	Kept          string
	Undoing       bool
}

func forgetUndo(ctx context.Context, tx database.Tx, school string) error {
	_, err := tx.NewDelete().Model((*undoRow)(nil)).Where("school = ?", school).Exec(ctx)
	return err
}

// UndoFor is how long an import can be undone: what it wrote over holds names and
// addresses that the school may have had good reasons to replace.
const UndoFor = 14 * 24 * time.Hour

// PurgeUndo forgets what imports wrote over so long ago that they cannot be undone.
func PurgeUndo(ctx context.Context, tx database.Tx, now time.Time) error {
	_, err := tx.NewDelete().Model((*undoRow)(nil)).Where("at <= ?", database.Stamp(now.Add(-UndoFor))).Exec(ctx)
	return err
}

// ImportRecord is one import of a school, as it was taken.
type ImportRecord struct {
	bun.BaseModel `bun:"table:directory_imports,alias:i"`
	School        string `bun:",pk"`
	ID            string `bun:",pk"`
	At            time.Time
	By            string // account, or command
	Dialect       string
	SourceDate    string
	Digest        string
	UndoneAt      time.Time `bun:",nullzero"`
	UndoneBy      string
}

// Imports lists the imports of a school that changed something, the last one first, those
// that were undone too.
func Imports(ctx context.Context, tx database.Tx, school string) ([]ImportRecord, error) {
	var rows []ImportRecord
	err := tx.NewSelect().Model(&rows).Where("i.school = ?", school).Order("at", "id").Scan(ctx)
	slices.Reverse(rows)
	return rows, err
}
