package alert

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// The head's letter of the day: what left, what was held and why, what nobody can be sure
// of, who was telephoned, beside what is usual. In a rehearsal it is an exercise too; a
// school that is neither in service nor rehearsing sends nothing at all. It ends with the journal's head: printed or
// kept in a mailbox, it shows a journal that was cut.

// dailyAt is the local hour at which it is written, dailyLife how long it is worth reading.
const (
	dailyAt   = 18 * time.Hour
	dailyLife = 24 * time.Hour
)

// daily is what the letter says.
type daily struct {
	School    directory.School
	Day       string
	Sends     bool
	Rehearses bool
	Today     Today
	Usual     Usual
	Trips     []Trip
	Calls     int64 // closed by an outcome today
	Head      journal.Head
}

// writeDailies writes the letter to the heads of every school that is in service, rehearses
// or had something to decide: once a day, in the evening of a day on which a roll was called.
func (a *Alert) writeDailies(ctx context.Context, schools []string) error {
	if a.heads == nil {
		return nil
	}
	var due []string
	err := a.db.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		var running []string
		if err := tx.NewRaw("SELECT school FROM alert_services WHERE opened_at IS NOT NULL AND closed_at IS NULL UNION SELECT school FROM alert_rehearsals WHERE ended_at IS NULL").Scan(ctx, &running); err != nil {
			return err
		}
		for _, id := range unique(slices.Concat(schools, running)) {
			evening, err := a.isEvening(ctx, tx, id)
			if err != nil {
				return err
			}
			if evening {
				due = append(due, id)
			}
		}
		return nil
	})
	for _, id := range due {
		if err == nil {
			err = a.inSchool(ctx, id, a.putDaily)
		}
	}
	if len(due) > 0 {
		a.courier.Poke()
	}
	return err
}

// isEvening tells whether the letter of a school's day may have to be written. The zone of a
// school is asked once a day.
func (a *Alert) isEvening(ctx context.Context, tx database.Tx, id string) (bool, error) {
	now := a.now()
	if next, ok := a.dailies.Load(id); ok && now.Before(next.(time.Time)) {
		return false, nil
	}
	s, err := directory.SchoolByID(ctx, tx, id)
	if err != nil {
		return false, err
	}
	zone, err := s.Location()
	if err != nil {
		return false, err
	}
	evening := onDay(now, dailyAt, zone)
	if now.Before(evening) {
		a.dailies.Store(id, evening)
	}
	return !now.Before(evening), nil
}

func (a *Alert) putDaily(ctx context.Context, tx database.Tx, s school, now time.Time) error {
	day := timetable.Day(now, s.zone)
	ref := dailyRef(day)
	there, err := courier.Exists(ctx, tx, s.ID, courier.Daily, ref)
	if err != nil {
		return err
	}
	called, err := attendance.RollDays(ctx, tx, s.ID, day)
	if err != nil {
		return err
	}
	if !there && called[day] > 0 && (s.sends(day) || s.rehearsal.Open()) {
		d, err := readDaily(ctx, tx, a, s, day, now)
		if err != nil {
			return err
		}
		heads, err := a.heads(ctx, tx, s.ID)
		if err != nil {
			return err
		}
		if err := a.addressDaily(ctx, tx, s, d, ref, heads, now); err != nil {
			return err
		}
	}
	a.dailies.Store(s.ID, onDay(now.AddDate(0, 0, 1), dailyAt, s.zone))
	return nil
}

func dailyRef(day string) string { return "daily/" + day }

// addressDaily writes one letter to each head who has an address.
func (a *Alert) addressDaily(ctx context.Context, tx database.Tx, s school, d daily, ref string, heads []string, now time.Time) error {
	points, err := directory.WorkMail(ctx, tx, s.ID, heads)
	if err != nil {
		return err
	}
	people, err := directory.People(ctx, tx, s.ID, heads)
	if err != nil {
		return err
	}
	for _, head := range heads {
		p, ok := points[head]
		if !ok {
			continue // the page says all of it, too
		}
		lang := a.letters.Lang(people[head].Lang, s.Lang)
		code := courier.NewCode()
		subject, body := a.dailyText(ctx, lang, s, d, code)
		err := a.courier.Put(ctx, tx, s.ID, now, courier.Draft{ID: database.NewID(), Code: code, Kind: courier.Daily, Ref: ref, Person: head, Contact: p.ID, Channel: directory.Email,
			Lang: lang, Subject: subject, Body: body, Exercise: !d.Sends, DueAt: now, ExpiresAt: now.Add(dailyLife)})
		if err != nil {
			return err
		}
	}
	return nil
}

func readDaily(ctx context.Context, tx database.Tx, a *Alert, s school, day string, now time.Time) (d daily, err error) {
	d = daily{School: s.School, Day: day, Sends: s.sends(day), Rehearses: s.rehearsal.Open()}
	if d.Today, err = Board(ctx, tx, s.ID, now); err != nil {
		return d, err
	}
	if d.Usual, err = a.usualOf(ctx, tx, s, day); err != nil {
		return d, err
	}
	if d.Trips, err = Trips(ctx, tx, s.ID, day); err != nil {
		return d, err
	}
	d.Calls, err = tx.NewSelect().Model((*Call)(nil)).Where("c.school = ? AND c.outcome NOT IN ('', ?) AND c.closed_at >= ?", s.ID, NotNeeded, database.Stamp(onDay(now, 0, s.zone))).Count(ctx)
	if err != nil {
		return d, err
	}
	heads, err := journal.Heads(ctx, tx)
	for _, h := range heads {
		if h.School == s.ID && h.Year == journal.Year(now) {
			d.Head = h
		}
	}
	return d, err
}

// dailyText is the letter in a language of the pages.
func (a *Alert) dailyText(ctx context.Context, lang string, s school, d daily, code string) (subject, body string) {
	ctx = page.In(ctx, &page.Site{Words: a.words, Zone: s.zone}, lang)
	say := func(key string, args ...any) string { return page.T(ctx, "alert.daily."+key, args...) }
	told, exercise := 0, false
	for _, r := range d.Today.Told {
		told, exercise = told+1, exercise || r.Exercise
	}
	lines := []string{say("state." + d.state()), "", say("absent", "n", d.Today.Absent, "all", d.Today.Pupils)}
	if n := len(d.Usual.Same); n > 0 {
		lines = append(lines, say("usual", "n", n, "low", slices.Min(d.Usual.Same), "high", slices.Max(d.Usual.Same)))
	}
	if d.Today.Known > 0 {
		lines = append(lines, say("known", "n", d.Today.Known))
	}
	if told > 0 {
		lines = append(lines, say("told", "n", told))
	} else {
		lines = append(lines, say("told.none"))
	}
	if text := messages(ctx, d.Today.Messages); text != "" {
		lines = append(lines, text)
	}
	if exercise {
		lines = append(lines, say("exercise"))
	}
	for _, t := range d.Trips {
		key := "tripped.open"
		if !t.EndedAt.IsZero() {
			key = "tripped.ended"
		}
		lines = append(lines, say(key, "hour", page.Hour(ctx, t.At), "sign", say("sign."+string(t.Sign), "n", t.Seen)))
	}
	if d.Calls > 0 {
		lines = append(lines, say("calls", "n", d.Calls))
	}
	lines = append(lines, say("open", "n", len(d.Today.Calls)), "", say("journal", "year", d.Head.Year, "line", strconv.FormatInt(d.Head.Seq, 10), "mac", d.Head.Mac[:min(len(d.Head.Mac), 16)]), "", s.Name, say("reference", "code", code), "")
	return say("subject", "day", dayText(ctx, d.Day), "n", told), strings.Join(lines, "\n")
}

func (d daily) state() string {
	switch {
	case d.Sends:
		return "on"
	case d.Rehearses:
		return "rehearsal"
	}
	return "off"
}

// dailyStillTrue is asked by the courier when letters of the day are about to leave: they
// are of today, or of the evening before, and their reader is still a head.
func (a *Alert) dailyStillTrue(ctx context.Context, tx database.Tx, letters []courier.Letter, now time.Time) (map[string]string, error) {
	heads, err := a.heads(ctx, tx, letters[0].School)
	if err != nil {
		return nil, err
	}
	s, err := loadSchool(ctx, tx, letters[0].School)
	if err != nil {
		return nil, err
	}
	is := map[string]bool{}
	for _, h := range heads {
		is[h] = true
	}
	because := map[string]string{}
	for _, l := range letters {
		switch because[l.ID] = ""; {
		case !is[l.Person]:
			because[l.ID] = string(NotEntitled)
		case !l.Exercise && !s.sends(strings.TrimPrefix(l.Ref, dailyRef(""))):
			because[l.ID] = string(NotInService)
		}
	}
	return because, nil
}
