package guard

import (
	"context"
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
)

// Story is all that is known of one message of the tool.
type Story struct {
	Message Message
	School  directory.School
	Zone    *time.Location
	Lines   []journal.Line
	People  map[string]directory.Person
}

// Explain reads the story of a message by the id that the tool was given; false: no such
// id was ever given.
func Explain(ctx context.Context, tx database.Tx, id string) (s Story, found bool, err error) {
	id = strings.TrimSpace(id)
	var school string
	for _, q := range []string{"SELECT school FROM guard_messages WHERE id = ?", "SELECT school FROM guard_parts WHERE id = ?"} {
		var rows []string
		if err := tx.NewRaw(q, id).Scan(ctx, &rows); err != nil {
			return s, false, err
		}
		if len(rows) > 0 {
			school = rows[0]
		}
	}
	if school == "" {
		return s, false, nil
	}
	if s.Message, err = StateOf(ctx, tx, school, id); err != nil {
		return s, true, err
	}
	if s.School, err = directory.SchoolByID(ctx, tx, school); err != nil {
		return s, true, err
	}
	if s.Zone, err = s.School.Location(); err != nil {
		return s, true, err
	}
	subjects := []string{s.Message.ID}
	if s.Message.Trip != "" {
		subjects = append(subjects, s.Message.Trip)
	}
	if s.Lines, err = journal.Of(ctx, tx, school, subjects...); err != nil {
		return s, true, err
	}
	var ids []string
	for _, l := range s.Lines {
		if !slices.Contains(ids, l.Actor) {
			ids = append(ids, l.Actor)
		}
	}
	s.People, err = directory.Names(ctx, tx, school, ids)
	return s, true, err
}

// acts are the lines that have words of their own; any other is shown as it is.
var acts = []string{"guard.accepted", "guard.tripped", "guard.asked", "guard.not-released", "guard.released", "guard.discarded", "guard.void",
	"relay.leaving", "relay.left", "relay.delivered", "relay.refused", "relay.unsure", "relay.waiting"}

// WriteExplain writes a story in a language of the pages.
func WriteExplain(w io.Writer, words *page.Words, lang string, s Story) error {
	ctx := page.In(context.Background(), &page.Site{Words: words, Zone: s.Zone}, lang)
	var b strings.Builder
	out := func(indent, text string) { b.WriteString(indent + page.Plain(text) + "\n") }
	out("", page.T(ctx, "guard.explain.head", "id", s.Message.ID))
	out("", s.School.Name)
	if s.Message.Text != "" {
		out("  | ", s.Message.Text)
	}
	for _, l := range s.Lines {
		at, err := time.Parse(time.RFC3339Nano, l.At)
		if err != nil {
			continue // it was altered: verify says so
		}
		detail := map[string]string{}
		_ = json.Unmarshal([]byte(l.Detail), &detail) // the same
		out("", at.In(s.Zone).Format("2006-01-02 15:04:05")+"  "+s.lineText(ctx, l, detail))
		out("                     ", page.T(ctx, "guard.explain.line", "line", strconv.FormatInt(l.Seq, 10)))
	}
	out("", strings.TrimSpace(page.T(ctx, "guard.explain.now", "state", string(s.Message.State), "because", s.Message.Because)))
	_, err := io.WriteString(w, b.String())
	return err
}

func (s Story) lineText(ctx context.Context, l journal.Line, detail map[string]string) string {
	if !slices.Contains(acts, l.Act) {
		return l.Act
	}
	n := func(key string) string { return detail[key] }
	sign := ""
	if l.Act == "guard.tripped" {
		sign = page.T(ctx, "guard.explain.sign."+n("sign"))
	}
	return page.T(ctx, "guard.explain."+strings.TrimPrefix(l.Act, "guard."), "who", who(ctx, s.People, l.Actor), "via", n("via"), "sign", sign, "numbers", n("numbers"), "most", n("most"),
		"people", n("people"), "expected", n("expected"), "carrier", n("carrier"), "attempt", n("attempt"), "because", n("because"), "outcome", strings.TrimSpace(n("outcome")+" "+n("receipt")+" "+n("code")))
}
