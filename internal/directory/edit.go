package directory

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
)

// ByHand is the source of what people typed in. An import never changes it.
const ByHand = "hand"

// Hand is the one by whose hand something is changed, and when. Each change takes the
// school's transaction (database.InSchool) and writes its line in the journal there.
// A change that is already so is done again without a line: a button pressed twice.
type Hand struct {
	Journal *journal.Journal
	By      string // account
	Now     time.Time
}

// Refusals of what is typed in or pressed by hand. A person, link, contact point,
// decision or task that is not of the school, or not of the pupil, is ErrNotFound.
var (
	ErrChannel    = page.Invalid("channel", "directory.point.channel")
	ErrEmail      = page.Invalid("address", "directory.point.email.wrong")
	ErrPhone      = page.Invalid("address", "directory.point.phone.wrong")
	ErrNoSMS      = page.Invalid("address", "directory.point.nosms")
	ErrSameSMS    = page.Invalid("address", "directory.point.same")
	ErrLinkEnded  = page.Conflict("directory.link.ended")
	ErrLegal      = page.Conflict("directory.choose.legal")
	ErrNotAllowed = page.Conflict("directory.choose.denied")
	ErrFromFile   = page.Conflict("directory.adult.fromfile")
	ErrLastName   = page.Invalid("last", "directory.adult.last.wrong")
	ErrFirstName  = page.Invalid("first", "directory.adult.first.wrong")
	ErrKinship    = page.Invalid("kinship", "directory.adult.kinship.wrong")
	ErrLevel      = page.Invalid("level", "directory.adult.level.wrong")
	ErrShortName  = page.Invalid("short", "directory.school.short.wrong", "n", maxShortName)
	ErrOwnPhone   = page.Invalid("phone", "directory.school.phone.wrong")
	ErrLang       = page.Invalid("lang", "directory.school.lang.wrong")
	errReason     = page.Invalid("", "directory.task.reason.wrong")
	errForm       = page.Invalid("", "directory.form.wrong")
)

// maxName is the longest part of a name, in characters.
const maxName = 80

// Kinships are what an adult can be to a pupil, in the words that links keep.
func Kinships() []string {
	return []string{"mother", "father", "grandmother", "grandfather", "stepmother", "stepfather", "aunt", "uncle", "sibling",
		"appointed guardian", "child welfare service", "other family member", "neighbour", "other"}
}

func (h Hand) note(ctx context.Context, tx database.Tx, school, act, subject string, detail map[string]string) error {
	return h.Journal.Append(ctx, tx, school, h.Now, journal.Deed{Act: "directory." + act, Actor: h.By, Subject: subject, Detail: detail})
}

// linkOf reads the link of a pupil and an adult; ErrNotFound.
func linkOf(ctx context.Context, tx database.Tx, school, pupil, adult string) (Link, error) {
	l := Link{School: school, Pupil: pupil, Adult: adult}
	err := tx.NewSelect().Model(&l).WherePK().Scan(ctx)
	return l, found(err)
}

// beside checks that somebody is the pupil or an adult who is linked to the pupil.
func beside(ctx context.Context, tx database.Tx, school, pupil, person string) (Link, error) {
	if p, err := PersonByID(ctx, tx, school, pupil); err != nil {
		return Link{}, err
	} else if p.Kind != KindPupil {
		return Link{}, ErrNotFound
	}
	if person == pupil {
		return Link{}, nil
	}
	return linkOf(ctx, tx, school, pupil, person)
}

// readPoint reads a contact point as it was typed for a channel, in a school of a
// region. ErrChannel, ErrEmail, ErrPhone, ErrNoSMS.
func readPoint(channel Channel, raw, region string) (address string, err error) {
	raw = strings.TrimSpace(raw)
	plain := utf8.ValidString(raw) && !strings.ContainsFunc(raw, unicode.IsControl)
	switch channel {
	case Email:
		if a, ok := readEmail(raw); ok && plain {
			return a, nil
		}
		return "", ErrEmail
	case SMS, Phone:
		n, takes, ok := readPhone(raw, region)
		switch {
		case !ok || !plain:
			return "", ErrPhone
		case channel == SMS && takes != SMS:
			return "", ErrNoSMS
		}
		return n, nil
	}
	return "", ErrChannel
}

// AddPoint adds a contact point to the pupil or to an adult of the pupil. One that was
// ended begins again, unverified. A number that was only telephoned and now takes SMS
// replaces itself. An adult's number that is also the pupil's opens a task. It revives
// no alert: who was a telephone row stays one.
func (h Hand) AddPoint(ctx context.Context, tx database.Tx, s School, pupil, person string, channel Channel, raw string) (ContactPoint, error) {
	l, err := beside(ctx, tx, s.ID, pupil, person)
	if err != nil {
		return ContactPoint{}, err
	}
	if !l.EndedAt.IsZero() {
		return ContactPoint{}, ErrLinkEnded
	}
	address, err := readPoint(channel, raw, s.Region)
	if err != nil {
		return ContactPoint{}, err
	}
	all, err := points(ctx, tx, s.ID, []string{person})
	if err != nil {
		return ContactPoint{}, err
	}
	p := ContactPoint{School: s.ID, ID: database.NewID(), Person: person, Channel: channel, Address: address, Raw: strings.TrimSpace(raw), Source: ByHand}
	again := false
	var replaced []ContactPoint
	for _, old := range all[person] {
		switch {
		case old.Address != address:
		case old.Channel == channel && old.EndedAt.IsZero():
			return old, nil
		case old.Channel == channel:
			again, p.ID = true, old.ID
		case old.EndedAt.IsZero() && old.Channel == SMS:
			return ContactPoint{}, ErrSameSMS
		case old.EndedAt.IsZero():
			replaced = append(replaced, old)
		}
	}
	if again {
		_, err = tx.NewUpdate().Model(&p).Column("raw", "source", "verified_at", "ended_at").WherePK().Exec(ctx)
	} else {
		_, err = tx.NewInsert().Model(&p).Exec(ctx)
	}
	if err != nil {
		return ContactPoint{}, err
	}
	if err := h.note(ctx, tx, s.ID, "point.added", person, map[string]string{"point": p.ID, "channel": string(channel), "pupil": pupil}); err != nil {
		return ContactPoint{}, err
	}
	for _, old := range replaced {
		if err := h.endPoint(ctx, tx, old, pupil); err != nil {
			return ContactPoint{}, err
		}
	}
	return p, h.doubts(ctx, tx, s.ID, person, true)
}

// EndPoint ends a contact point: it is no longer that person's. The hand then owns it:
// a later import of the file that still has it does not bring it back.
func (h Hand) EndPoint(ctx context.Context, tx database.Tx, school, pupil, point string) error {
	p, err := h.pointBeside(ctx, tx, school, pupil, point)
	if err != nil || !p.EndedAt.IsZero() {
		return err
	}
	if err := h.endPoint(ctx, tx, p, pupil); err != nil {
		return err
	}
	return h.doubts(ctx, tx, school, p.Person, false)
}

func (h Hand) endPoint(ctx context.Context, tx database.Tx, p ContactPoint, pupil string) error {
	from := p.Source
	p.EndedAt, p.Source = database.Stamp(h.Now), ByHand
	if _, err := tx.NewUpdate().Model(&p).Column("ended_at", "source").WherePK().Exec(ctx); err != nil {
		return err
	}
	return h.note(ctx, tx, p.School, "point.ended", p.Person, map[string]string{"point": p.ID, "from": from, "pupil": pupil})
}

// VerifyPoint says that somebody made sure that the contact point is that person's.
func (h Hand) VerifyPoint(ctx context.Context, tx database.Tx, school, pupil, point string) error {
	p, err := h.pointBeside(ctx, tx, school, pupil, point)
	if err != nil || !p.VerifiedAt.IsZero() {
		return err
	}
	if !p.EndedAt.IsZero() {
		return page.Conflict("directory.point.ended")
	}
	p.VerifiedAt = database.Stamp(h.Now)
	if _, err := tx.NewUpdate().Model(&p).Column("verified_at").WherePK().Exec(ctx); err != nil {
		return err
	}
	if err := h.note(ctx, tx, school, "point.verified", p.Person, map[string]string{"point": p.ID, "pupil": pupil}); err != nil {
		return err
	}
	return h.doubts(ctx, tx, school, p.Person, false)
}

func (h Hand) pointBeside(ctx context.Context, tx database.Tx, school, pupil, point string) (ContactPoint, error) {
	p, err := PointByID(ctx, tx, school, point)
	if err != nil {
		return ContactPoint{}, err
	}
	_, err = beside(ctx, tx, school, pupil, p.Person)
	return p, err
}

// doubts opens the task of a number that an adult and a pupil share, where it is
// new, and closes the tasks of those for whom nothing is doubtful any more.
func (h Hand) doubts(ctx context.Context, tx database.Tx, school, person string, added bool) error {
	var adults []string
	err := tx.NewSelect().Model((*Link)(nil)).Column("adult").Where("l.school = ? AND l.pupil = ? AND l.ended_at IS NULL", school, person).Scan(ctx, &adults)
	if err != nil {
		return err
	}
	for _, adult := range append(adults, person) {
		doubtful, err := tx.NewSelect().Model((*ContactPoint)(nil)).
			Join("JOIN directory_links AS l ON l.school = c.school AND l.adult = c.person AND l.ended_at IS NULL").
			Join("JOIN directory_contacts AS own ON own.school = c.school AND own.person = l.pupil AND own.address = c.address").
			Where("c.school = ? AND c.person = ? AND c.verified_at IS NULL AND c.ended_at IS NULL AND own.ended_at IS NULL AND c.address <> ''", school, adult).
			Exists(ctx)
		if err != nil {
			return err
		}
		var open []Task
		err = tx.NewSelect().Model(&open).Where("t.school = ? AND t.person = ? AND t.kind = ? AND t.closed_at IS NULL", school, adult, TaskSameNumber).Scan(ctx)
		if err != nil {
			return err
		}
		switch {
		case doubtful && added && len(open) == 0:
			if err := h.openTask(ctx, tx, school, TaskSameNumber, adult); err != nil {
				return err
			}
		case !doubtful:
			for _, t := range open {
				if err := h.closeTask(ctx, tx, t); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// Choose says whether a carer or contact is to be told about this pupil, and about no
// other. A legal representative is told anyway, and somebody whom a court's decision
// denies is not: both are refused.
func (h Hand) Choose(ctx context.Context, tx database.Tx, s School, pupil, adult string, chosen bool) error {
	if adult == pupil {
		return ErrNotFound
	}
	l, err := beside(ctx, tx, s.ID, pupil, adult)
	if err != nil {
		return err
	}
	denied, err := deniedOn(ctx, tx, s, pupil, adult, h.Now)
	switch {
	case err != nil:
		return err
	case !l.EndedAt.IsZero():
		return ErrLinkEnded
	case l.Level == Legal:
		return ErrLegal
	case chosen && denied:
		return ErrNotAllowed
	case chosen == !l.ChosenAt.IsZero():
		return nil
	}
	act := "unchosen"
	l.ChosenBy, l.ChosenAt = "", time.Time{}
	if chosen {
		act, l.ChosenBy, l.ChosenAt = "chosen", h.By, database.Stamp(h.Now)
	}
	if _, err := tx.NewUpdate().Model(&l).Column("chosen_by", "chosen_at").WherePK().Exec(ctx); err != nil {
		return err
	}
	return h.note(ctx, tx, s.ID, act, pupil, map[string]string{"adult": adult, "level": string(l.Level)})
}

func deniedOn(ctx context.Context, tx database.Tx, s School, pupil, adult string, now time.Time) (bool, error) {
	day, err := dayIn(s, now)
	if err != nil {
		return false, err
	}
	var rows []Decision
	err = tx.NewSelect().Model(&rows).Where("d.school = ? AND d.pupil = ? AND d.adult = ?", s.ID, pupil, adult).Scan(ctx)
	for _, d := range rows {
		if inForce(d, day) {
			return true, err
		}
	}
	return false, err
}

// dayIn is the school's own date at a moment.
func dayIn(s School, at time.Time) (string, error) {
	loc, err := s.Location()
	if err != nil {
		return "", err
	}
	return at.In(loc).Format(time.DateOnly), nil
}

// NewAdult is an adult typed in for one pupil.
type NewAdult struct {
	ID          string // made by the form: pressed twice, it is one adult
	Last, First string
	Kinship     string
	Level       Level
}

// AddAdult adds an adult who stands in no file, and the link to this pupil. A carer or
// contact is told only once chosen.
func (h Hand) AddAdult(ctx context.Context, tx database.Tx, s School, pupil string, a NewAdult) error {
	if _, err := beside(ctx, tx, s.ID, pupil, pupil); err != nil {
		return err
	}
	a.Last, a.First = strings.Join(strings.Fields(a.Last), " "), strings.Join(strings.Fields(a.First), " ")
	switch {
	case !madeID(a.ID):
		return errForm
	case !goodName(a.Last):
		return ErrLastName
	case !goodName(a.First):
		return ErrFirstName
	case !oneOf(a.Kinship, Kinships()):
		return ErrKinship
	case a.Level != Legal && a.Level != Carer && a.Level != Contact:
		return ErrLevel
	}
	if taken, err := PersonByID(ctx, tx, s.ID, a.ID); err == nil {
		if _, err := linkOf(ctx, tx, s.ID, pupil, a.ID); err != nil || taken.Source != ByHand {
			return errForm
		}
		return nil
	} else if !errors.Is(err, ErrNotFound) {
		return err
	}
	day, err := dayIn(s, h.Now)
	if err != nil {
		return err
	}
	err = Add(ctx, tx, Batch{
		People: []Person{{School: s.ID, ID: a.ID, Kind: KindAdult, Source: ByHand, SourceKey: a.ID, LastName: a.Last, FirstName: a.First}},
		Links: []Link{{School: s.ID, Pupil: pupil, Adult: a.ID, Level: a.Level, Kinship: a.Kinship, SMSConsent: ConsentUnknown,
			Source: ByHand, SourceDate: day}},
	})
	if err != nil {
		return err
	}
	return h.note(ctx, tx, s.ID, "adult.added", pupil, map[string]string{"adult": a.ID, "level": string(a.Level)})
}

// EndLink takes back an adult who was typed in for this pupil. What a file says is
// changed in the file.
func (h Hand) EndLink(ctx context.Context, tx database.Tx, school, pupil, adult string) error {
	l, err := linkOf(ctx, tx, school, pupil, adult)
	switch {
	case err != nil:
		return err
	case l.Source != ByHand:
		return ErrFromFile
	case !l.EndedAt.IsZero():
		return nil
	}
	l.EndedAt = database.Stamp(h.Now)
	if _, err := tx.NewUpdate().Model(&l).Column("ended_at").WherePK().Exec(ctx); err != nil {
		return err
	}
	if err := h.note(ctx, tx, school, "adult.ended", pupil, map[string]string{"adult": adult}); err != nil {
		return err
	}
	return h.doubts(ctx, tx, school, adult, false)
}

// madeID tells whether an id could be one of database.NewID: a form's hidden field is
// typed by whoever wants to.
func madeID(id string) bool {
	return len(id) == 20 && strings.Trim(id, "0123456789abcdefghjkmnpqrstvwxyz") == ""
}

func goodName(s string) bool {
	if s == "" || !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxName {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || strings.ContainsRune("<>@{}", r) })
}

func oneOf(s string, list []string) bool {
	for _, one := range list {
		if s == one {
			return true
		}
	}
	return false
}

// maxShortName is the longest name of a school in messages, in GSM characters.
const maxShortName = 20

// Settings are what a school says of itself in messages to families.
type Settings struct {
	ShortName string // 1 to maxShortName characters of GSM 03.38
	Phone     string // as people should read it
	Lang      string // of messages, where a person has none
}

// SaveSettings changes them. ErrShortName, ErrOwnPhone, ErrLang.
func (h Hand) SaveSettings(ctx context.Context, tx database.Tx, school string, set Settings) error {
	s, err := SchoolByID(ctx, tx, school)
	if err != nil {
		return err
	}
	set.ShortName, set.Phone = strings.Join(strings.Fields(set.ShortName), " "), strings.Join(strings.Fields(set.Phone), " ")
	if n := utf8.RuneCountInString(set.ShortName); n == 0 || n > maxShortName || !inGSM(set.ShortName) {
		return ErrShortName
	}
	if _, _, ok := readPhone(set.Phone, s.Region); !ok || len(set.Phone) > 30 || !inGSM(set.Phone) {
		return ErrOwnPhone
	}
	if !oneOf(set.Lang, page.Languages()) {
		return ErrLang
	}
	changed := map[string]string{}
	for what, differs := range map[string]bool{"short_name": s.ShortName != set.ShortName, "phone": s.Phone != set.Phone, "lang": s.Lang != set.Lang} {
		if differs {
			changed[what] = "changed"
		}
	}
	if len(changed) == 0 {
		return nil
	}
	s.ShortName, s.Phone, s.Lang = set.ShortName, set.Phone, set.Lang
	if _, err := tx.NewUpdate().Model(&s).Column("short_name", "phone", "lang").WherePK().Exec(ctx); err != nil {
		return err
	}
	return h.note(ctx, tx, school, "settings", school, changed)
}

// inGSM tells whether a text can stand in an SMS as it is.
func inGSM(s string) bool { return !strings.ContainsFunc(s, func(r rune) bool { return !InGSM(r) }) }

// openTask and closeTask are the hand's own; see CloseTask.
func (h Hand) openTask(ctx context.Context, tx database.Tx, school, kind, person string) error {
	t := Task{School: school, ID: database.NewID(), Kind: kind, Person: person, OpenedAt: database.Stamp(h.Now)}
	if _, err := tx.NewInsert().Model(&t).Exec(ctx); err != nil {
		return err
	}
	return h.note(ctx, tx, school, "task.opened", person, map[string]string{"task": t.ID, "kind": kind})
}

func (h Hand) closeTask(ctx context.Context, tx database.Tx, t Task) error {
	t.ClosedAt, t.ClosedBy = database.Stamp(h.Now), h.By
	res, err := tx.NewUpdate().Model(&t).Column("closed_at", "closed_by", "reason").WherePK().Where("closed_at IS NULL").Exec(ctx)
	if n, err := rows(res, err); err != nil || n == 0 {
		return err
	}
	return h.note(ctx, tx, t.School, "task.closed", t.Person, map[string]string{"task": t.ID, "kind": t.Kind})
}

func rows(res sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// tasksOf lists the open tasks of some people, oldest first.
func tasksOf(ctx context.Context, tx database.Tx, school string, people []string) ([]Task, error) {
	if len(people) == 0 {
		return nil, nil
	}
	var open []Task
	err := tx.NewSelect().Model(&open).Where("t.school = ? AND t.closed_at IS NULL AND t.person IN (?)", school, bun.List(people)).Order("opened_at", "id").Scan(ctx)
	return open, err
}
