package notices

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
)

// Notices asks, confirms, and writes what was confirmed.
type Notices struct {
	db      *database.DB
	journal *journal.Journal
	courier *courier.Courier
	letters *Letters
	now     func() time.Time
	log     *slog.Logger
	service InService
	adults  Adults
	poke    chan struct{}
	step    func(string)
}

// InService tells whether a school sends to families now.
type InService func(ctx context.Context, tx database.Tx, school string, now time.Time) (bool, error)

// Adults counts the persons of a school who could be a second one: head, CPE, office.
type Adults func(ctx context.Context, tx database.Tx, school string) (int, error)

// Config of Notices. Now is the installation's clock.
type Config struct {
	DB        *database.DB
	Journal   *journal.Journal
	Courier   *courier.Courier
	Now       func() time.Time
	Log       *slog.Logger
	InService InService
	Adults    Adults
	// Step, where set, hears each durable step: see courier.Config.
	Step func(step string)
}

// Steps of a notice, as Config.Step hears them.
const (
	StepConfirmed = "notice-confirmed" // the confirmation is committed
	StepSome      = "notice-some"      // some of its letters are committed
)

// New makes Notices, and registers with the courier that it answers for its letters.
func New(c Config) (*Notices, error) {
	letters, err := LoadLetters(letterFiles)
	if err != nil {
		return nil, err
	}
	if c.InService == nil || c.Adults == nil {
		return nil, errors.New("notices: who is in service, and who is a second person, must be known")
	}
	if c.Step == nil {
		c.Step = func(string) {}
	}
	n := &Notices{db: c.DB, journal: c.Journal, courier: c.Courier, letters: letters, now: c.Now, log: c.Log, service: c.InService, adults: c.Adults, poke: make(chan struct{}, 1), step: c.Step}
	c.Courier.VouchFor(courier.Notice, n.stillTrue)
	return n, nil
}

// Poke tells the running writer that there may be something to do now.
func (n *Notices) Poke() {
	select {
	case n.poke <- struct{}{}:
	default:
	}
}

// rest is the pause between two looks at what there is to write.
const rest = 2 * time.Second

// Run writes what is confirmed until ctx ends.
func (n *Notices) Run(ctx context.Context) error {
	for {
		if err := n.Pass(ctx); err != nil && ctx.Err() == nil {
			n.log.Error("notices: pass", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-n.poke:
		case <-time.After(rest):
		}
	}
}

// Pass does once all that there is to do.
func (n *Notices) Pass(ctx context.Context) error {
	var schools []string
	urgent := map[string]bool{}
	err := n.db.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		open, err := atWork(ctx, tx)
		for _, r := range open {
			urgent[r.School] = urgent[r.School] || r.State == Confirmed && r.Text.Urgent()
			if err != nil || slices.Contains(schools, r.School) {
				continue
			}
			due := r.State == Confirmed || lapsed(r, n.now())
			if !due {
				_, due, err = courier.LockOf(ctx, tx, r.School)
			}
			if due {
				schools = append(schools, r.School)
			}
		}
		return err
	})
	var all error
	for _, school := range schools {
		in := ctx
		if urgent[school] {
			in = database.Urgent(ctx) // it stands with the roll and the alerts, not behind them
		}
		for more := true; more && err == nil; {
			more, err = n.some(in, school)
		}
		if err != nil {
			all, err = errors.Join(all, fmt.Errorf("school %s: %w", school, err)), nil
		}
	}
	return errors.Join(all, err)
}

// atOnce is how many letters are written in one transaction: a roll that is saved
// meanwhile waits for no more than these.
const atOnce = 100

// some does a piece of a school's work in one transaction: a crash after it leaves the
// rest to the next pass.
func (n *Notices) some(ctx context.Context, school string) (more bool, err error) {
	wrote := false
	err = n.db.InSchool(ctx, school, func(ctx context.Context, tx database.Tx) error {
		now := n.now()
		asked, err := inState(ctx, tx, school, Asked)
		if err != nil {
			return err
		}
		_, locked, err := courier.LockOf(ctx, tx, school)
		if err != nil {
			return err
		}
		for _, r := range asked {
			switch {
			case locked:
				err = n.end(ctx, tx, r, Void, Fenced, "", now)
			case lapsed(r, now):
				err = n.end(ctx, tx, r, Void, Lapsed, "", now)
			}
			if err != nil {
				return err
			}
		}
		open, err := inState(ctx, tx, school, Confirmed)
		if err != nil || len(open) == 0 {
			return err
		}
		r := open[0]
		switch more = len(open) > 1; {
		case locked:
			return n.end(ctx, tx, r, Void, Fenced, "", now)
		case !now.Before(r.ExpiresAt):
			return n.end(ctx, tx, r, Void, Expired, "", now)
		}
		all, err := recipients(ctx, tx, r)
		if err != nil {
			return err
		}
		if r.Seal != n.seal(r, all) {
			return n.end(ctx, tx, r, Void, Unsealed, "", now)
		}
		rows := slices.DeleteFunc(all, func(to recipient) bool { return to.Letter != "" })
		rows = rows[:min(len(rows), atOnce)]
		wrote, more = len(rows) > 0, more || len(rows) == atOnce
		if err := n.put(ctx, tx, r, rows, now); err != nil {
			return err
		}
		if len(rows) == atOnce {
			return nil
		}
		if err := settle(ctx, tx, r, Written, "", "", now); err != nil {
			return err
		}
		return n.journal.Append(ctx, tx, school, now, journal.Deed{Act: "notice.written", Actor: "notices", Subject: r.ID, Detail: map[string]string{"letters": strconv.Itoa(r.Addresses)}})
	})
	if err == nil && wrote {
		n.step(StepSome)
		n.courier.Poke()
	}
	return more, err
}

// put writes letters of a request, each to its address in its reader's language.
func (n *Notices) put(ctx context.Context, tx database.Tx, r Request, rows []recipient, now time.Time) error {
	if len(rows) == 0 {
		return nil
	}
	s, err := directory.SchoolByID(ctx, tx, r.School)
	if err != nil {
		return err
	}
	zone, err := s.Location()
	if err != nil {
		return err
	}
	ids := make([]string, len(rows))
	for i, to := range rows {
		ids[i] = to.Person
	}
	people, err := directory.People(ctx, tx, r.School, ids)
	if err != nil {
		return err
	}
	for _, to := range rows {
		lang, channel, code := n.letters.Lang(people[to.Person].Lang, s.Lang), directory.Channel(to.Channel), courier.NewCode()
		subject, body := n.letters.write(lang, channel, s, r.Wish, r.AskedAt.In(zone), code)
		to.Letter = database.NewID()
		err := n.courier.Put(ctx, tx, r.School, now, courier.Draft{ID: to.Letter, Code: code, Kind: courier.Notice, Ref: r.ID, Person: to.Person, Contact: to.Contact,
			Channel: channel, Lang: lang, Subject: subject, Body: body, DueAt: now, ExpiresAt: r.ExpiresAt})
		if err != nil {
			return err
		}
		if err := asLetter(ctx, tx, to); err != nil {
			return err
		}
	}
	return nil
}
