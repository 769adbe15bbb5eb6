package status

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/journal"
)

// Incident is what the operator says of a failure, or of work that will be done.
type Incident struct {
	ID      string
	From    time.Time
	Until   time.Time // zero: it goes on
	Grade   Grade
	Touches []Part
	By      string // account
	At      time.Time
	News    []News // the first one first; never none
}

// Last is what holds of an incident.
func (i Incident) Last() News { return i.News[len(i.News)-1] }

// News is what was said of an incident at one time. En may be empty.
type News struct {
	bun.BaseModel `bun:"table:status_news,alias:n"`
	Incident      string `bun:",pk"`
	N             int    `bun:",pk"`
	At            time.Time
	By            string
	FR            string `bun:"fr"`
	EN            string `bun:"en"`
}

// In is the news in a language, and the language that it is in.
func (n News) In(lang string) (text, in string) {
	if lang == "en" && n.EN != "" {
		return n.EN, "en"
	}
	return n.FR, "fr"
}

type incidentRow struct {
	bun.BaseModel `bun:"table:status_incidents,alias:i"`
	ID            string `bun:",pk"`
	FromAt        time.Time
	UntilAt       time.Time `bun:",nullzero"`
	Grade         string
	Touches       string
	By            string
	At            time.Time
}

// Refusals of the store.
var (
	// ErrNotFound: there is no such incident.
	ErrNotFound = errors.New("status: not found")
	// ErrTimes: an incident does not end before it began.
	ErrTimes = errors.New("status: an incident ends after it began")
	// ErrWords: an incident has words, in French at least, and not too many.
	ErrWords = errors.New("status: an incident has words")
)

// mostWords is how long a text may be: it is read on a telephone.
const mostWords = 600

// Say begins an incident with its first words. It runs inside
// InSchool(database.Installation).
func Say(ctx context.Context, tx database.Tx, j *journal.Journal, i Incident, fr, en string, now time.Time) (Incident, error) {
	if !i.Until.IsZero() && i.Until.Before(i.From) {
		return i, ErrTimes
	}
	i.ID, i.At = database.NewID(), database.Stamp(now)
	row := incidentRow{ID: i.ID, FromAt: database.Stamp(i.From), Grade: i.Grade.String(), Touches: joined(i.Touches), By: i.By, At: i.At}
	detail := map[string]string{"from": row.FromAt.Format(time.RFC3339), "grade": row.Grade, "touches": row.Touches}
	if !i.Until.IsZero() {
		row.UntilAt = database.Stamp(i.Until)
		detail["until"] = row.UntilAt.Format(time.RFC3339)
	}
	if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
		return i, err
	}
	if err := j.Append(ctx, tx, database.Installation, now, journal.Deed{Act: "status.incident", Actor: i.By, Subject: i.ID, Detail: detail}); err != nil {
		return i, err
	}
	n, err := tell(ctx, tx, j, News{Incident: i.ID, N: 1, By: i.By, FR: fr, EN: en}, now)
	i.News = []News{n}
	return i, err
}

// AddNews says more of an incident: from then on these words hold.
func AddNews(ctx context.Context, tx database.Tx, j *journal.Journal, incident, by, fr, en string, now time.Time) (News, error) {
	i, err := ByID(ctx, tx, incident)
	if err != nil {
		return News{}, err
	}
	return tell(ctx, tx, j, News{Incident: incident, N: i.Last().N + 1, By: by, FR: fr, EN: en}, now)
}

func tell(ctx context.Context, tx database.Tx, j *journal.Journal, n News, now time.Time) (News, error) {
	n.At, n.FR, n.EN = database.Stamp(now), words(n.FR), words(n.EN)
	if n.FR == "" || len([]rune(n.FR)) > mostWords || len([]rune(n.EN)) > mostWords {
		return News{}, ErrWords
	}
	if _, err := tx.NewInsert().Model(&n).Exec(ctx); err != nil {
		return n, err
	}
	return n, j.Append(ctx, tx, database.Installation, now, journal.Deed{Act: "status.news", Actor: n.By, Subject: n.Incident, Detail: map[string]string{"words": j.Digest(n.FR, n.EN)}})
}

// End ends an incident, or moves its end.
func End(ctx context.Context, tx database.Tx, j *journal.Journal, incident, by string, until, now time.Time) error {
	i, err := ByID(ctx, tx, incident)
	if err != nil {
		return err
	}
	if until.Before(i.From) {
		return ErrTimes
	}
	if _, err := tx.NewUpdate().Model((*incidentRow)(nil)).Set("until_at = ?", database.Stamp(until)).Where("i.id = ?", incident).Exec(ctx); err != nil {
		return err
	}
	return j.Append(ctx, tx, database.Installation, now, journal.Deed{Act: "status.end", Actor: by, Subject: incident, Detail: map[string]string{"until": database.Stamp(until).Format(time.RFC3339)}})
}

// ByID gives one incident.
func ByID(ctx context.Context, tx database.Tx, id string) (Incident, error) {
	all, err := read(ctx, tx, func(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("i.id = ?", id) })
	if err != nil || len(all) == 0 {
		return Incident{}, cmp.Or(err, ErrNotFound)
	}
	return all[0], nil
}

// Since gives the incidents that were not over at a moment, the oldest first.
func Since(ctx context.Context, tx database.Tx, at time.Time) ([]Incident, error) {
	return read(ctx, tx, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("i.until_at IS NULL OR i.until_at > ?", database.Stamp(at))
	})
}

func read(ctx context.Context, tx database.Tx, which func(*bun.SelectQuery) *bun.SelectQuery) ([]Incident, error) {
	var rows []incidentRow
	if err := which(tx.NewSelect().Model(&rows)).OrderExpr("i.from_at, i.id").Scan(ctx); err != nil || len(rows) == 0 {
		return nil, err
	}
	ids := make([]string, len(rows))
	for n, row := range rows {
		ids[n] = row.ID
	}
	var news []News
	if err := tx.NewSelect().Model(&news).Where("n.incident IN (?)", bun.List(ids)).OrderExpr("n.incident, n.n").Scan(ctx); err != nil {
		return nil, err
	}
	var out []Incident
	for _, row := range rows {
		grade, _ := gradeOf(row.Grade)
		i := Incident{ID: row.ID, From: row.FromAt, Until: row.UntilAt, Grade: grade, Touches: parted(row.Touches), By: row.By, At: row.At}
		for _, one := range news {
			if one.Incident == row.ID {
				i.News = append(i.News, one)
			}
		}
		if len(i.News) > 0 { // they are begun together with their first words
			out = append(out, i)
		}
	}
	return out, nil
}

func joined(parts []Part) string {
	text := make([]string, len(parts))
	for n, p := range parts {
		text[n] = string(p)
	}
	return strings.Join(text, " ")
}

func parted(text string) (out []Part) {
	for one := range strings.FieldsSeq(text) {
		if slices.Contains(Parts(), Part(one)) {
			out = append(out, Part(one))
		}
	}
	return out
}

// words are a text as it is kept: lines without spaces around them, no empty ones at the
// ends.
func words(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\r", ""), "\n")
	for n, line := range lines {
		lines[n] = strings.Join(strings.Fields(line), " ")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}
