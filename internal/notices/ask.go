package notices

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// here is a school at a moment, as the rules need it.
type here struct {
	directory.School
	at     time.Time // local
	day    string
	closed bool
	groups map[string][]string // classes by level
	labels map[string][]string // what they are called
	levels []string
}

func where(ctx context.Context, tx database.Tx, school string, now time.Time) (here, error) {
	s, err := directory.SchoolByID(ctx, tx, school)
	if err != nil {
		return here{}, err
	}
	zone, err := s.Location()
	if err != nil {
		return here{}, err
	}
	h := here{School: s, at: now.In(zone), groups: map[string][]string{}, labels: map[string][]string{}}
	h.day = h.at.Format(time.DateOnly)
	if h.closed, err = timetable.IsClosed(ctx, tx, school, h.day); err != nil {
		return h, err
	}
	all, err := directory.Groups(ctx, tx, school)
	if err != nil {
		return h, err
	}
	for _, g := range all {
		if level := directory.YearOf(g.Label); g.Kind == "class" && level != "" {
			h.groups[level] = append(h.groups[level], g.ID)
			h.labels[level] = append(h.labels[level], g.Label)
		}
	}
	for level := range h.groups {
		h.levels = append(h.levels, level)
	}
	slices.Sort(h.levels)
	return h, nil
}

// set is whom a wish would go to, now.
type set struct {
	people    int // to whom at least one message goes
	none      int // entitled, and with no address for messages
	rows      []recipient
	byChannel map[directory.Channel]int
	digest    string
}

// gather reads whom a wish would go to. Its only inputs are a prepared text and a level:
// nobody hands it a recipient.
func (n *Notices) gather(ctx context.Context, tx database.Tx, h here, w Wish, now time.Time) (s set, err error) {
	var pupils []directory.Person
	if w.Level == WholeSchool {
		pupils, err = directory.Of(ctx, tx, h.ID, directory.KindPupil, h.day)
	} else {
		pupils, err = directory.GroupPupils(ctx, tx, h.ID, h.groups[w.Level], h.day)
	}
	if err != nil {
		return s, err
	}
	ids := make([]string, len(pupils))
	for i, p := range pupils {
		ids[i] = p.ID
	}
	people, err := directory.MayBeToldOfAny(ctx, tx, h.ID, ids, now)
	if err != nil {
		return s, err
	}
	s.byChannel = map[directory.Channel]int{}
	counted := []string{"notice", h.ID, string(w.Text), w.Choice, w.Day, w.Hour, w.Level}
	taken := map[string]bool{}
	for _, r := range people {
		reached := false
		for _, p := range r.Points {
			if !n.courier.Carriers().Has(p.Channel) {
				continue
			}
			reached = true
			counted = append(counted, r.Person.ID, string(p.Channel), p.ID, p.Address)
			address := n.journal.Digest("notice-address", h.ID, string(p.Channel), p.Address)
			if taken[address] {
				continue // two guardians, one number: one message to it
			}
			taken[address] = true
			s.byChannel[p.Channel]++
			s.rows = append(s.rows, recipient{School: h.ID, N: len(s.rows) + 1, Person: r.Person.ID, Channel: string(p.Channel), Contact: p.ID, Address: address})
		}
		if reached {
			s.people++
		} else {
			s.none++
		}
	}
	s.digest = n.journal.Digest(counted...)
	return s, nil
}

// allowed refuses a wish that may not leave a school now, whoever confirms it.
func (n *Notices) allowed(ctx context.Context, tx database.Tx, h here, t Text, now time.Time) error {
	_, locked, err := courier.LockOf(ctx, tx, h.ID)
	if err != nil {
		return err
	}
	if locked {
		return ErrLocked
	}
	if !t.Urgent() {
		serves, err := n.service(ctx, tx, h.ID, now)
		if err != nil {
			return err
		}
		if !serves {
			return ErrService
		}
	}
	if err := Quiet(t, h.at, h.closed); err != nil {
		return err
	}
	past, err := confirmedLately(ctx, tx, h.ID, h.day)
	if err != nil {
		return err
	}
	return Capped(t, past, h.day)
}

// Ask asks for a wish to be announced to exactly those who were counted: counted is the
// digest that the preview gave. by is a person. Nothing leaves before another person
// confirms.
func (n *Notices) Ask(ctx context.Context, tx database.Tx, school string, w Wish, counted, by string, role page.Role, now time.Time) (Request, error) {
	if !MayPrepare(role) || by == "" {
		return Request{}, ErrPrepare
	}
	h, err := where(ctx, tx, school, now)
	if err != nil {
		return Request{}, err
	}
	if err := Check(w, h.day, h.levels); err != nil {
		return Request{}, err
	}
	if err := n.allowed(ctx, tx, h, w.Text, now); err != nil {
		return Request{}, err
	}
	s, err := n.gather(ctx, tx, h, w, now)
	switch {
	case err != nil:
		return Request{}, err
	case len(s.rows) == 0:
		return Request{}, ErrNobody
	case s.digest != counted:
		return Request{}, ErrCounted
	}
	open, err := inState(ctx, tx, school, Asked)
	if err != nil {
		return Request{}, err
	}
	for _, before := range open {
		if before.Text == w.Text {
			if err := n.end(ctx, tx, before, Void, Replaced, by, now); err != nil {
				return Request{}, err
			}
		}
	}
	r := Request{School: school, ID: database.NewID(), Wish: w, AskedBy: by, AskedRole: role, AskedAt: database.Stamp(now), People: s.people, Addresses: len(s.rows), Digest: s.digest, State: Asked}
	if _, err := tx.NewInsert().Model(&r).Exec(ctx); err != nil {
		return Request{}, err
	}
	return r, n.journal.Append(ctx, tx, school, now, journal.Deed{Act: "notice.asked", Actor: by, Subject: r.ID, Detail: map[string]string{
		"text": string(r.Text), "choice": r.Choice, "day": r.Day, "hour": r.Hour, "level": r.Level, "role": string(role),
		"people": strconv.Itoa(r.People), "addresses": strconv.Itoa(r.Addresses), "digest": r.Digest}})
}

// Confirm lets a request leave, by a second person, to exactly those who were counted.
// A request that is too late, or whose set changed since, is void instead, which is
// committed: void says why.
func (n *Notices) Confirm(ctx context.Context, tx database.Tx, school, id string, by Second, now time.Time) (void Because, err error) {
	r, err := ByID(ctx, tx, school, id)
	if err != nil {
		return "", err
	}
	if r.State != Asked {
		return "", ErrSettled
	}
	adults, err := n.adults(ctx, tx, school)
	if err != nil {
		return "", err
	}
	if err := MayConfirm(r, by, adults); err != nil {
		return "", err
	}
	if lapsed(r, now) {
		return Lapsed, n.end(ctx, tx, r, Void, Lapsed, "", now)
	}
	h, err := where(ctx, tx, school, now)
	if err != nil {
		return "", err
	}
	if err := n.allowed(ctx, tx, h, r.Text, now); err != nil {
		return "", err
	}
	s, err := n.gather(ctx, tx, h, r.Wish, now)
	if err != nil {
		return "", err
	}
	if s.digest != r.Digest || s.people != r.People || len(s.rows) != r.Addresses {
		return Changed, n.end(ctx, tx, r, Void, Changed, "", now)
	}
	for i := range s.rows {
		s.rows[i].Request = r.ID
	}
	if err := insertRecipients(ctx, tx, s.rows); err != nil {
		return "", err
	}
	r.ConfirmedBy, r.ConfirmedAt, r.ConfirmedOn, r.ExpiresAt = by.ID, database.Stamp(now), h.day, database.Stamp(expires(r.Text, h.at))
	r.Seal = n.seal(r, s.rows)
	if err := confirm(ctx, tx, r); err != nil {
		return "", err
	}
	return "", n.journal.Append(ctx, tx, school, now, journal.Deed{Act: "notice.confirmed", Actor: by.ID, Subject: r.ID, Detail: map[string]string{
		"role": string(by.Role), "people": strconv.Itoa(r.People), "addresses": strconv.Itoa(r.Addresses), "digest": r.Digest}})
}

// seal binds a confirmed request to its words, its two persons, its end and each of its
// addresses, with the key that is not in the database: what other hands wrote is not
// sent.
func (n *Notices) seal(r Request, rows []recipient) string {
	bound := []string{"notice-confirmed", r.School, r.ID, string(r.Text), r.Choice, r.Day, r.Hour, r.Level, r.AskedBy, r.AskedAt.UTC().Format(time.RFC3339Nano), r.Digest,
		r.ConfirmedBy, r.ConfirmedAt.UTC().Format(time.RFC3339Nano), r.ExpiresAt.UTC().Format(time.RFC3339Nano)}
	for _, to := range rows {
		bound = append(bound, strconv.Itoa(to.N), to.Person, to.Channel, to.Contact, to.Address)
	}
	return n.journal.Digest(bound...)
}

// Withdraw takes a request back: one person of the office suffices. Before its
// confirmation it is void; after, what has not left is. ErrSettled: nothing is left to
// take back.
func (n *Notices) Withdraw(ctx context.Context, tx database.Tx, school, id, by string, now time.Time) error {
	r, err := ByID(ctx, tx, school, id)
	if err != nil {
		return err
	}
	switch r.State {
	case Asked:
		return n.end(ctx, tx, r, Void, Dropped, by, now)
	case Confirmed:
		return n.end(ctx, tx, r, Withdrawn, WithdrawnBy, by, now)
	case Written:
		letters, err := courier.StatesAbout(ctx, tx, school, []string{id})
		if err != nil {
			return err
		}
		if slices.ContainsFunc(letters, mayStillLeave) {
			return n.end(ctx, tx, r, Withdrawn, WithdrawnBy, by, now)
		}
	}
	return ErrSettled // or everything has left: nothing is taken back by saying so
}

// mayStillLeave tells whether a letter may leave, for the first time or once more.
func mayStillLeave(l courier.Letter) bool {
	return l.State == courier.Waiting || l.State == courier.Leaving || l.State == courier.Unsure && l.Channel == directory.Email && l.Attempts == 1
}

// end settles a request for good, and makes void those of its letters that have not
// begun to leave.
func (n *Notices) end(ctx context.Context, tx database.Tx, r Request, to State, because Because, by string, now time.Time) error {
	if err := settle(ctx, tx, r, to, because, by, now); err != nil {
		return err
	}
	actor := by
	if actor == "" {
		actor = "notices"
	}
	if err := n.journal.Append(ctx, tx, r.School, now, journal.Deed{Act: "notice." + string(to), Actor: actor, Subject: r.ID, Detail: map[string]string{"because": string(because)}}); err != nil {
		return err
	}
	return n.courier.Recall(ctx, tx, r.School, r.ID, courier.Notice, string(because), now)
}
