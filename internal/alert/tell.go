package alert

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/timetable"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// tell turns a held episode into letters: one per entitled person and usable contact
// point, each address once. Who has none is a telephone row. It is the only maker of
// absence letters, and its only input is the episode.
func (a *Alert) tell(ctx context.Context, tx database.Tx, s school, e Episode, now time.Time) (told bool, why Because, err error) {
	recipients, not, err := directory.MayBeTold(ctx, tx, s.ID, e.Pupil, now)
	if err != nil {
		return false, "", err
	}
	again, err := toldBefore(ctx, tx, e)
	if err != nil {
		return false, "", err
	}
	w, err := a.wordsFor(ctx, tx, s, e)
	if err != nil {
		return false, "", err
	}
	bySpeech, err := spoken(ctx, tx, e)
	if err != nil {
		return false, "", err
	}
	type row struct {
		person string
		why    Because
	}
	var calls []row
	exercise := !s.sends(timetable.Day(now, s.zone))
	written := map[string]bool{} // channel and address
	for _, r := range recipients {
		if bySpeech[r.Person.ID] {
			continue // held by the breaker, and telephoned meanwhile
		}
		reached, noCarrier := false, false
		for _, p := range r.Points {
			if !exercise && !a.courier.Carriers().Has(p.Channel) {
				noCarrier = true
				continue
			}
			reached = true
			if address := string(p.Channel) + " " + p.Address; written[address] {
				continue // two guardians, one number: one message to it
			} else {
				written[address] = true
			}
			// The number becomes told only with its letters: both or neither.
			lang := a.letters.Lang(r.Person.Lang, s.Lang)
			if err := a.put(ctx, tx, s, letterRow{Episode: e.ID, Pupil: e.Pupil, Person: r.Person.ID, Channel: string(p.Channel), Contact: p.ID, Kind: string(courier.Absence), Mark: e.Mark},
				lang, again, exercise, w, e.ExpiresAt, now); err != nil {
				return false, "", err
			}
		}
		switch {
		case !reached:
			calls = append(calls, row{r.Person.ID, whyNotReached(r, noCarrier)})
		case exercise:
			calls = append(calls, row{r.Person.ID, NotInService}) // a family is told by somebody
		case wasPromisedACall(r):
			calls = append(calls, row{r.Person.ID, Stopped})
		}
	}
	state := Told
	if len(written) == 0 {
		state, why = Untold, NoContact
		if len(bySpeech) > 0 {
			why = ByBreaker
		}
		if len(recipients) == 0 {
			why = NobodyToTell
			calls = append(calls, row{"", NobodyToTell})
		}
	}
	if err := settleEpisode(ctx, tx, e, state, why, now); err != nil {
		return false, "", err
	}
	var still []string
	for _, c := range calls {
		still = append(still, c.person)
	}
	if err := a.toldAfterAll(ctx, tx, e, still, now); err != nil {
		return false, "", err
	}
	for _, c := range calls {
		if err := a.openCall(ctx, tx, e, c.person, c.why, now); err != nil {
			return false, "", err
		}
	}
	if err := a.supersede(ctx, tx, e, now); err != nil {
		return false, "", err
	}
	return state == Told, why, a.journalStandings(ctx, tx, s.ID, e, recipients, not, now)
}

// supersede ends earlier episodes of the day that are still open: the family hears of the
// later one, and of the pupil's arrival once. Their telephone rows stay.
func (a *Alert) supersede(ctx context.Context, tx database.Tx, e Episode, now time.Time) error {
	var earlier []Episode
	err := tx.NewSelect().Model(&earlier).Where("e.school = ? AND e.pupil = ? AND e.half_day IN (?) AND e.id <> ? AND e.state IN (?)", e.School, e.Pupil,
		bun.List([]string{e.HalfDay[:len(e.HalfDay)-2] + "am", e.HalfDay[:len(e.HalfDay)-2] + "pm"}), e.ID, bun.List([]State{Told, Untold})).Scan(ctx)
	for _, one := range earlier {
		if err == nil {
			err = settleEpisode(ctx, tx, one, Over, Following, now)
		}
	}
	return err
}

// journalStandings keeps who was entitled and who was not, and why: what explain tells
// when a parent asks.
func (a *Alert) journalStandings(ctx context.Context, tx database.Tx, school string, e Episode, told []directory.Recipient, not []directory.Standing, now time.Time) error {
	var deeds []journal.Deed
	for _, r := range told {
		deeds = append(deeds, journal.Deed{Act: "may-be-told", Actor: "directory", Subject: e.ID, Detail: map[string]string{"person": r.Person.ID, "why": string(r.Why)}})
	}
	for _, n := range not {
		deeds = append(deeds, journal.Deed{Act: "may-not-be-told", Actor: "directory", Subject: e.ID, Detail: map[string]string{"person": n.Person, "why": string(n.Why)}})
	}
	return a.journal.Append(ctx, tx, school, now, deeds...)
}

func whyNotReached(r directory.Recipient, noCarrier bool) Because {
	if noCarrier {
		return NoCarrier
	}
	why := NoContact
	for _, u := range r.Not {
		switch u.Why {
		case directory.PointNoConsent:
			why = NoConsent
		case directory.PointPupils:
			why = PupilsOwn
		case directory.PointStopped:
			if why = Bounced; u.Point.Channel == directory.SMS {
				why = Stopped
			}
		}
	}
	return why
}

// wasPromisedACall tells whether somebody asked for no more SMS and has no other number
// for them: they were told that the school would call, whatever an e-mail does.
func wasPromisedACall(r directory.Recipient) bool {
	return slices.ContainsFunc(r.Not, func(u directory.Unused) bool {
		return u.Why == directory.PointStopped && u.Point.Channel == directory.SMS
	}) &&
		!slices.ContainsFunc(r.Points, func(p directory.ContactPoint) bool { return p.Channel == directory.SMS })
}

// toldBefore tells whether a family was told of an earlier episode of the half-day.
func toldBefore(ctx context.Context, tx database.Tx, e Episode) (bool, error) {
	n, err := tx.NewSelect().TableExpr("alert_letters AS w").Join("JOIN alert_episodes AS e ON e.school = w.school AND e.id = w.episode").
		Where("e.school = ? AND e.pupil = ? AND e.half_day = ? AND e.seq < ?", e.School, e.Pupil, e.HalfDay, e.Seq).Count(ctx)
	return n > 0, err
}

func (a *Alert) wordsFor(ctx context.Context, tx database.Tx, s school, e Episode) (words, error) {
	pupil, err := directory.PersonByID(ctx, tx, s.ID, e.Pupil)
	if err != nil {
		return words{}, err
	}
	sitting, err := timetable.ByID(ctx, tx, s.ID, e.Sitting)
	return words{school: s, pupil: pupil, sitting: sitting, at: sitting.StartsAt}, err
}

// put writes one letter and what vouches for it.
func (a *Alert) put(ctx context.Context, tx database.Tx, s school, v letterRow, lang string, again, exercise bool, w words, expires, now time.Time) error {
	v.School, v.Letter = s.ID, database.NewID()
	w.code = courier.NewCode()
	channel := directory.Channel(v.Channel)
	w.link = a.link(w.code)
	w.ask = a.asks(s, channel)
	subject, body := a.letters.write(lang, courier.Kind(v.Kind), channel, again, w)
	err := a.courier.Put(ctx, tx, s.ID, now, courier.Draft{ID: v.Letter, Code: w.code, Kind: courier.Kind(v.Kind), Ref: v.Episode, Pupil: v.Pupil, Person: v.Person,
		Contact: v.Contact, Channel: channel, Lang: lang, Subject: subject, Body: body, Exercise: exercise, DueAt: now, ExpiresAt: expires})
	if err != nil {
		return err
	}
	_, err = tx.NewInsert().Model(&v).Exec(ctx)
	return err
}

// followUp makes the arrivals and corrections of letters that were settled after their
// episode was over.
func (a *Alert) followUp(ctx context.Context, id string) error {
	var over []string
	err := a.db.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		return tx.NewSelect().Model((*Episode)(nil)).Column("id").
			Where("e.school = ? AND e.state = ? AND e.because IN (?) AND e.settled_at > ?", id, Over, bun.List([]Because{Arrived, Corrected}), database.Stamp(a.now().Add(-followLife))).Scan(ctx, &over)
	})
	if err != nil {
		return err
	}
	var open []string
	err = a.db.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		rows, err := a.unanswered(ctx, tx, id, over)
		for _, r := range rows {
			open = append(open, r.Episode)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, episode := range unique(open) {
		if err := a.inSchool(ctx, id, func(ctx context.Context, tx database.Tx, s school, now time.Time) error {
			return a.follow(ctx, tx, id, episode, now)
		}); err != nil {
			return err
		}
		a.courier.Poke()
	}
	return nil
}

// toldLetter is a letter that may have reached a family, with what vouches for it.
type toldLetter struct {
	letterRow
	courier.Letter
}

// unanswered lists the absence letters of episodes that may have reached a family and
// that no arrival or correction follows yet.
func (a *Alert) unanswered(ctx context.Context, tx database.Tx, school string, episodes []string) ([]toldLetter, error) {
	if len(episodes) == 0 {
		return nil, nil
	}
	rows, err := lettersOf(ctx, tx, school, episodes)
	if err != nil {
		return nil, err
	}
	letters, err := courier.StatesAbout(ctx, tx, school, episodes)
	if err != nil {
		return nil, err
	}
	byID := map[string]courier.Letter{}
	for _, l := range letters {
		byID[l.ID] = l
	}
	answered := map[string]bool{}
	for _, w := range rows {
		answered[w.Answers] = true
	}
	var out []toldLetter
	for _, w := range rows {
		if l := byID[w.Letter]; w.Kind == string(courier.Absence) && !answered[w.Letter] && l.State.MayHaveLeft() {
			out = append(out, toldLetter{w, l})
		}
	}
	return out, nil
}

// follow writes one arrival or correction for each letter that may have reached a
// family: exactly those contact points, no more and no fewer.
func (a *Alert) follow(ctx context.Context, tx database.Tx, schoolID, episode string, now time.Time) error {
	e, err := EpisodeByID(ctx, tx, schoolID, episode)
	if err != nil || e.State != Over || (e.Because != Arrived && e.Because != Corrected) || e.SettledAt.Sub(e.FirstAt) >= saidFor {
		return err
	}
	rows, err := a.unanswered(ctx, tx, schoolID, []string{episode})
	if err != nil || len(rows) == 0 {
		return err
	}
	s, err := loadSchool(ctx, tx, schoolID)
	if err != nil {
		return err
	}
	w, err := a.wordsFor(ctx, tx, s, e)
	if err != nil {
		return err
	}
	kind := courier.Arrived
	var marks map[string][]attendance.Mark
	if e.Because == Corrected {
		kind = courier.Correction
		if marks, err = attendance.OfPupils(ctx, tx, schoolID, []string{e.Pupil}, e.day()); err != nil {
			return err
		}
	}
	for _, r := range rows {
		w.at = e.SettledAt
		if kind == courier.Correction {
			w.at = r.LeavingAt
			w.program = ByProgram(slices.DeleteFunc(slices.Clone(marks[e.Pupil]), func(k attendance.Mark) bool { return k.Sitting != e.Sitting }), r.LeavingAt)
		}
		v := r.letterRow
		v.Kind, v.Answers = string(kind), r.letterRow.Letter
		if err := a.put(ctx, tx, s, v, r.Lang, false, r.Exercise, w, now.Add(followLife), now); err != nil {
			return err
		}
	}
	return nil
}

// stillTrue is asked by the courier when letters of a school are about to leave. What
// speaks against them is read for all of them together.
func (a *Alert) stillTrue(ctx context.Context, tx database.Tx, letters []courier.Letter, now time.Time) (map[string]string, error) {
	ids := make([]string, len(letters))
	for i, l := range letters {
		ids[i] = l.ID
	}
	rows, err := lettersByID(ctx, tx, letters[0].School, ids)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	if err := a.findHomeOf(ctx, tx, letters[0].School, marksOf(letters, rows), now); err != nil {
		return nil, err
	}
	known, err := readStandings(ctx, tx, letters[0].School, rows, now)
	if err != nil {
		return nil, err
	}
	because := map[string]string{}
	for _, l := range letters {
		if v, ok := rows[l.ID]; ok {
			if why := known[v.Episode].keeps(l, v); why != courier.BecauseUnvouched {
				because[l.ID] = why
			}
		}
	}
	return because, nil
}

// marksOf are the marks that letters about absences speak of.
func marksOf(letters []courier.Letter, rows map[string]letterRow) []int64 {
	var ns []int64
	for _, l := range letters {
		if v, ok := rows[l.ID]; ok && l.Kind == courier.Absence {
			ns = append(ns, v.Mark)
		}
	}
	slices.Sort(ns)
	return slices.Compact(ns)
}

// standing is what decides whether the letters of an episode may leave.
type standing struct {
	episode Episode
	absent  Because // why its absence is no longer to be told; empty: it is
	sends   bool    // the school is in service
	directory.Told
}

// readStandings reads what decides about the letters of some episodes, by episode.
func readStandings(ctx context.Context, tx database.Tx, schoolID string, rows map[string]letterRow, now time.Time) (map[string]*standing, error) {
	var ids, pupils []string
	for _, v := range rows {
		ids, pupils = append(ids, v.Episode), append(pupils, v.Pupil)
	}
	pupils = unique(pupils)
	var episodes []Episode
	if err := tx.NewSelect().Model(&episodes).Where("e.school = ? AND e.id IN (?)", schoolID, bun.List(unique(ids))).Scan(ctx); err != nil {
		return nil, err
	}
	s, err := loadSchool(ctx, tx, schoolID)
	if err != nil {
		return nil, err
	}
	told, err := directory.MayBeToldOf(ctx, tx, schoolID, pupils, now)
	if err != nil {
		return nil, err
	}
	known := map[string]*standing{}
	for _, e := range episodes {
		known[e.ID] = &standing{episode: e, sends: s.sends(timetable.Day(now, s.zone)), Told: told[e.Pupil]}
	}
	err = lookAgain(ctx, tx, s, episodes, now, func(e Episode, v Verdict, why Because) {
		if v != Tell && v != Keep {
			known[e.ID].absent = why
		}
	})
	return known, err
}

// keeps says what keeps a letter from leaving, empty if nothing does.
func (k *standing) keeps(l courier.Letter, v letterRow) string {
	switch {
	case l.Kind != courier.Absence:
		return k.keepsFollowing(v)
	case k.episode.State != Told:
		return cmp.Or(string(k.episode.Because), courier.BecauseUnvouched)
	case k.absent != "":
		return string(k.absent)
	case !k.sends && !l.Exercise:
		return string(NotInService) // written in service, and a rehearsal is on by now
	}
	for _, r := range k.Recipients {
		for _, p := range r.Points {
			if r.Person.ID == l.Person && p.ID == l.Contact {
				return ""
			}
		}
	}
	return string(NotEntitled)
}

// keepsFollowing is for arrivals and corrections: they go to exactly those who were told,
// whatever changed since, except that a court's decision wins over everything.
func (k *standing) keepsFollowing(v letterRow) string {
	wanted := map[Because]courier.Kind{Arrived: courier.Arrived, Corrected: courier.Correction}[k.episode.Because]
	if k.episode.State != Over || string(wanted) != v.Kind {
		return courier.BecauseUnvouched
	}
	for _, n := range k.Not {
		if n.Person == v.Person && n.Why == directory.NotCourt {
			return string(NotEntitled)
		}
	}
	return ""
}
