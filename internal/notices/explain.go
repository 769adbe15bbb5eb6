package notices

import (
	"context"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
)

// Story is everything that is recorded about one letter of an announcement: who asked,
// who confirmed, what was counted, and what became of the letter.
type Story struct {
	Zone     *time.Location
	School   directory.School
	Request  Request // zero: no request stands behind the letter
	Letter   courier.Letter
	People   map[string]directory.Person
	Attempts []courier.Attempt
	Lines    []journal.Line // of the request and the letter, in order
}

// Explain tells the story of a letter of an announcement. courier.ErrNotFound: the school
// has no such letter.
func Explain(ctx context.Context, tx database.Tx, school, letter string) (s Story, err error) {
	if s.Letter, err = courier.ByReference(ctx, tx, school, letter); err != nil {
		return s, err
	}
	if s.School, err = directory.SchoolByID(ctx, tx, school); err != nil {
		return s, err
	}
	if s.Zone, err = s.School.Location(); err != nil {
		return s, err
	}
	_, requests, err := behind(ctx, tx, school, []string{s.Letter.ID})
	if err != nil {
		return s, err
	}
	subjects, ids := []string{s.Letter.ID}, []string{s.Letter.Person}
	for _, r := range requests {
		s.Request = r
		subjects = append(subjects, r.ID)
		ids = append(ids, r.AskedBy, r.ConfirmedBy, r.SettledBy)
	}
	if s.Lines, err = journal.Of(ctx, tx, school, subjects...); err != nil {
		return s, err
	}
	if s.Attempts, err = courier.Attempts(ctx, tx, school, s.Letter.ID); err != nil {
		return s, err
	}
	s.People, err = directory.Names(ctx, tx, school, ids)
	return s, err
}

// WriteExplain writes a story as plain text, in a language of the pages.
func WriteExplain(ctx context.Context, w io.Writer, words *page.Words, lang string, s Story) error {
	ctx = page.In(ctx, &page.Site{Words: words, Zone: s.Zone}, lang)
	var b strings.Builder
	out := func(indent, text string) {
		for one := range strings.Lines(page.Plain(text)) {
			b.WriteString(strings.TrimRight(indent+strings.TrimRight(one, "\n"), " ") + "\n")
		}
	}
	to := who(ctx, s.People, s.Letter.Person)
	if s.Request.ID == "" {
		out("", page.T(ctx, "notices.explain.alone", "code", s.Letter.Code, "to", to))
	} else {
		out("", page.T(ctx, "notices.explain.head", "code", s.Letter.Code, "to", to, "text", name(ctx, s.Request.Text), "level", scope(ctx, s.Request.Level, nil)))
	}
	out("", s.School.Name)
	day := ""
	for _, l := range s.Lines {
		at, err := time.Parse(time.RFC3339Nano, l.At)
		if err != nil {
			continue // it was altered: verify says so
		}
		if d := page.Capital(page.Date(ctx, at)) + " " + strconv.Itoa(at.In(s.Zone).Year()); d != day {
			day = d
			out("", "\n"+d)
		}
		detail := map[string]string{}
		_ = json.Unmarshal([]byte(l.Detail), &detail) // the same
		out("", at.In(s.Zone).Format("15:04:05")+"  "+s.lineText(ctx, l, detail))
		if l.Act == "letter.waiting" {
			out("          | ", strings.TrimSpace(s.Letter.Subject+"\n\n"+s.Letter.Body))
		}
		if answer := s.answer(l, detail); answer != "" {
			out("          - ", answer)
		}
		out("          ", page.T(ctx, "notices.explain.line", "line", strconv.FormatInt(l.Seq, 10)))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// lineText is one line of the journal in words; an act without any is shown as it is.
func (s Story) lineText(ctx context.Context, l journal.Line, detail map[string]string) string {
	people, _ := strconv.Atoi(detail["people"])
	key := "notices.explain." + l.Act
	text := page.T(ctx, "notices.explain."+l.Act, "who", who(ctx, s.People, l.Actor), "n", people, "to", who(ctx, s.People, s.Letter.Person),
		"channel", page.T(ctx, "notices.channel."+string(s.Letter.Channel)), "code", s.Letter.Code, "carrier", detail["carrier"], "attempt", detail["attempt"], "because", detail["because"])
	if text == key {
		return l.Act
	}
	return text
}

// answer is what the carrier said at the end of the attempt that a line is about.
func (s Story) answer(l journal.Line, detail map[string]string) string {
	for _, a := range s.Attempts {
		if l.Act != "letter.leaving" && detail["attempt"] == strconv.Itoa(a.N) {
			return a.Answer
		}
	}
	return ""
}
