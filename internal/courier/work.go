package courier

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
)

// Courier is the running door: it claims letters and hands them to the carriers.
type Courier struct {
	db       *database.DB
	journal  *journal.Journal
	carriers Carriers
	now      func() time.Time
	log      *slog.Logger
	vouch    map[Kind]Vouch
	reply    map[Kind]Reply
	stopped  Stopped
	instance string
	poke     chan struct{}
	step     func(string)
}

// Config of a Courier. Now is the installation's clock.
type Config struct {
	DB       *database.DB
	Journal  *journal.Journal
	Carriers Carriers
	Now      func() time.Time
	Log      *slog.Logger
	// Step, where set, is called at each durable step of a letter with the step's
	// name: the tests that end a process at every step are told where it stands.
	Step func(step string)
}

// Steps of a letter, in order, as Config.Step hears them.
const (
	StepClaimed  = "claimed"  // leaving is committed, nothing is written
	StepWriting  = "writing"  // the last look said yes, the content follows
	StepAnswered = "answered" // the carrier answered, its answer is not committed
	StepSettled  = "settled"  // the answer is committed
)

// New makes a courier; Run makes it work.
func New(c Config) *Courier {
	if c.Step == nil {
		c.Step = func(string) {}
	}
	return &Courier{db: c.DB, journal: c.Journal, carriers: c.Carriers, now: c.Now, log: c.Log, vouch: map[Kind]Vouch{}, reply: map[Kind]Reply{},
		instance: database.NewID(), poke: make(chan struct{}, 1), step: c.Step}
}

// VouchFor registers who answers for a kind of letters. A kind without a voucher never
// leaves.
func (c *Courier) VouchFor(k Kind, v Vouch) { c.vouch[k] = v }

// Carriers tells which ways out there are.
func (c *Courier) Carriers() Carriers { return c.carriers }

// Poke tells the running courier that there may be something to do now.
func (c *Courier) Poke() {
	select {
	case c.poke <- struct{}{}:
	default:
	}
}

// NewCode makes a reference for a family to read out: 7 characters that are not taken
// for one another, 35 bits.
func NewCode() string {
	const letters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
	var b [7]byte
	rand.Read(b[:])
	for i := range b {
		b[i] = letters[b[i]%32]
	}
	return string(b[:])
}

const (
	workers   = 4                // letters on their way at once, of one program
	heartbeat = 10 * time.Second // of this program's row
	deadAfter = time.Minute      // a program not seen for so long is dead
	idle      = 2 * time.Second  // between two looks at an empty queue
)

// Run claims and sends until ctx ends, then waits for the letters on their way as long
// as farewell lasts; what is still on its way then is found unsure at the next start.
func (c *Courier) Run(ctx context.Context, farewell time.Duration) error {
	if err := c.begin(ctx); err != nil {
		return err
	}
	// Sending outlives the order to stop by the farewell.
	sending, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	slots := make(chan struct{}, workers)
	var wg sync.WaitGroup
	defer func() {
		done := make(chan struct{})
		go func() { wg.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(farewell):
			cut()
			<-done
		}
		c.end(context.WithoutCancel(ctx))
	}()
	lastBeat := c.now()
	for {
		if c.now().Sub(lastBeat) >= heartbeat {
			lastBeat = c.now()
			if err := c.beat(ctx); err != nil && ctx.Err() == nil {
				c.log.Error("courier: heartbeat", "err", err)
			}
		}
		worked, err := c.round(ctx, sending, slots, &wg)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			// Whatever cannot be written is not sent: the claim comes first.
			c.log.Error("courier: round", "err", err)
		}
		if worked && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-c.poke:
		case <-time.After(idle):
		}
	}
}

// round starts one letter of each school that has one due.
func (c *Courier) round(ctx, sending context.Context, slots chan struct{}, wg *sync.WaitGroup) (worked bool, err error) {
	var schools []string
	err = c.db.Read(ctx, func(ctx context.Context, tx database.Tx) (err error) {
		schools, err = schoolsDue(ctx, tx, c.now())
		return err
	})
	if err != nil {
		return false, err
	}
	for _, school := range schools {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return worked, nil
		}
		e, ok, err := c.claim(ctx, school)
		if err != nil || !ok {
			<-slots
			if err != nil {
				return worked, err
			}
			continue
		}
		worked = true
		wg.Go(func() {
			defer func() { <-slots; c.Poke() }()
			c.carry(sending, e)
		})
	}
	return worked, nil
}

// Pass carries every letter that is due now and returns when each has its answer. It is
// Run's work without the waiting, for programs that own their clock.
func (c *Courier) Pass(ctx context.Context) error {
	slots := make(chan struct{}, workers)
	for {
		var wg sync.WaitGroup
		worked, err := c.round(ctx, ctx, slots, &wg)
		wg.Wait()
		if err != nil || !worked {
			return err
		}
	}
}

// claim takes the next letter that may leave, in one transaction: everything that
// could keep it is asked again, the address is read, and leaving is committed.
func (c *Courier) claim(ctx context.Context, school string) (e Errand, ok bool, err error) {
	err = c.db.InSchool(database.Urgent(ctx), school, func(ctx context.Context, tx database.Tx) error {
		now := c.now()
		for range 100 { // void letters of one pass; the next pass goes on
			l, found, err := due(ctx, tx, school, now)
			if err != nil || !found {
				return err
			}
			point, because, err := c.examine(ctx, tx, l, now)
			if err != nil {
				return err
			}
			if because != "" {
				if err := c.keepBack(ctx, tx, l, because, now); err != nil {
					return err
				}
				continue
			}
			e, ok = Errand{Letter: l, Address: point.Address}, true
			return c.leave(ctx, tx, &e, now)
		}
		return nil
	})
	if err != nil {
		return Errand{}, false, fmt.Errorf("claim: %w", err)
	}
	if ok {
		c.step(StepClaimed)
	}
	return e, ok, nil
}

func (c *Courier) examine(ctx context.Context, tx database.Tx, l Letter, now time.Time) (directory.ContactPoint, string, error) {
	point, err := directory.PointByID(ctx, tx, l.School, l.Contact)
	if err != nil {
		return point, "", err
	}
	today, err := lettersSince(ctx, tx, l.School, point, now.Add(-24*time.Hour))
	if err != nil {
		return point, "", err
	}
	if because := refusal(l, now, c.carriers.Has(l.Channel), point, today); because != "" && !(because == BecauseCap && l.Kind != Absence) {
		return point, because, nil
	}
	vouch := c.vouch[l.Kind]
	if vouch == nil || l.Digest != c.digest(l, point) {
		return point, BecauseUnvouched, nil
	}
	because, err := vouch(ctx, tx, l, now)
	return point, because, err
}

// keepBack makes a waiting letter void. An unsure one may have left: it stays unsure
// and is not tried again.
func (c *Courier) keepBack(ctx context.Context, tx database.Tx, l Letter, because string, now time.Time) error {
	if l.State != Unsure {
		return c.void(ctx, tx, l, because, now)
	}
	return settle(ctx, tx, l, Unsure, "no-answer, "+because, l.DueAt, now)
}

func (c *Courier) leave(ctx context.Context, tx database.Tx, e *Errand, now time.Time) error {
	l := &e.Letter
	res, err := tx.NewUpdate().Model((*Letter)(nil)).
		Set("state = ?, attempts = attempts + 1, leaving_at = ?", Leaving, database.Stamp(now)).
		Where("l.school = ? AND l.id = ? AND l.state = ? AND l.attempts = ?", l.School, l.ID, l.State, l.Attempts).Exec(ctx)
	if err := one(res, err); err != nil {
		return err
	}
	l.State, l.Attempts, l.LeavingAt = Leaving, l.Attempts+1, now
	carrier := c.carriers.by[l.Channel].name()
	a := Attempt{School: l.School, Letter: l.ID, N: l.Attempts, Instance: c.instance, Carrier: carrier, StartedAt: database.Stamp(now)}
	if _, err := tx.NewInsert().Model(&a).Exec(ctx); err != nil {
		return err
	}
	e.Attempt = a.N
	return c.journal.Append(ctx, tx, l.School, now, journal.Deed{Act: "letter.leaving", Actor: c.instance, Subject: l.ID, Detail: detail(*l, carrier)})
}

var errTooLate = errors.New("expired at the last look")

// carry speaks to the carrier with no transaction open, then commits its answer.
func (c *Courier) carry(ctx context.Context, e Errand) {
	before := func() error {
		if !c.now().Before(e.Letter.ExpiresAt) {
			return errTooLate
		}
		c.step(StepWriting)
		return nil
	}
	r := c.carriers.by[e.Letter.Channel].send(ctx, e, before)
	c.step(StepAnswered)
	// The answer is kept even if the order to stop came meanwhile.
	if err := c.settleAnswer(context.WithoutCancel(ctx), e, r); err != nil {
		c.log.Error("courier: an answer could not be kept; the letter will be found unsure", "school", e.Letter.School, "letter", e.Letter.ID, "err", err)
		return
	}
	c.step(StepSettled)
	c.log.Info("letter", "school", e.Letter.School, "letter", e.Letter.ID, "attempt", e.Attempt, "outcome", string(r.Outcome))
}

func (c *Courier) settleAnswer(ctx context.Context, e Errand, r Result) error {
	return c.db.InSchool(database.Urgent(ctx), e.Letter.School, func(ctx context.Context, tx database.Tx) error {
		now := c.now()
		l, err := ByID(ctx, tx, e.Letter.School, e.Letter.ID)
		if err != nil {
			return err
		}
		if l.State != Leaving || l.Attempts != e.Attempt {
			return c.lateAnswer(ctx, tx, l, r, now)
		}
		if err := endAttempt(ctx, tx, l, r, now); err != nil {
			return err
		}
		state, because, due := next(l, r, now)
		if err := settle(ctx, tx, l, state, because, due, now); err != nil {
			return err
		}
		return c.journal.Append(ctx, tx, l.School, now, journal.Deed{Act: "letter." + string(state), Actor: c.instance, Subject: l.ID,
			Detail: map[string]string{"attempt": fmt.Sprint(e.Attempt), "outcome": string(r.Outcome)}})
	})
}

// lateAnswer takes the answer to an attempt that was found unsure meanwhile: a yes
// settles the letter, everything else changes nothing.
func (c *Courier) lateAnswer(ctx context.Context, tx database.Tx, l Letter, r Result, now time.Time) error {
	if r.Outcome != Accepted || l.State != Unsure {
		return nil
	}
	if err := settle(ctx, tx, l, Left, "", l.DueAt, now); err != nil {
		return err
	}
	return c.journal.Append(ctx, tx, l.School, now, journal.Deed{Act: "letter.left", Actor: c.instance, Subject: l.ID, Detail: map[string]string{"late": "yes"}})
}

func endAttempt(ctx context.Context, tx database.Tx, l Letter, r Result, now time.Time) error {
	res, err := tx.NewUpdate().Model((*Attempt)(nil)).Set("outcome = ?, answer = ?, ended_at = ?", r.Outcome, r.Answer, database.Stamp(now)).
		Where("a.school = ? AND a.letter = ? AND a.n = ? AND a.outcome = ''", l.School, l.ID, l.Attempts).Exec(ctx)
	return one(res, err)
}

// begin announces this program and finds what dead ones left leaving: unsure.
func (c *Courier) begin(ctx context.Context) error {
	err := c.db.Write(ctx, func(ctx context.Context, tx database.Tx) error {
		now := database.Stamp(c.now())
		_, err := tx.NewRaw("INSERT INTO courier_instances (id, started_at, seen_at) VALUES (?, ?, ?)", c.instance, now, now).Exec(ctx)
		if err != nil || c.db.Engine() == database.Postgres {
			return err
		}
		// One program at a time serves a SQLite file (see app): the others are dead.
		_, err = tx.NewRaw("UPDATE courier_instances SET ended_at = ? WHERE id <> ? AND ended_at IS NULL", now, c.instance).Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("courier: begin: %w", err)
	}
	return c.recover(ctx)
}

func (c *Courier) beat(ctx context.Context) error {
	err := c.db.Write(ctx, func(ctx context.Context, tx database.Tx) error {
		now := database.Stamp(c.now())
		if _, err := tx.NewRaw("UPDATE courier_instances SET seen_at = ? WHERE id = ?", now, c.instance).Exec(ctx); err != nil {
			return err
		}
		_, err := tx.NewRaw("UPDATE courier_instances SET ended_at = ? WHERE ended_at IS NULL AND seen_at < ?", now, now.Add(-deadAfter)).Exec(ctx)
		return err
	})
	if err != nil {
		return err
	}
	return c.recover(ctx)
}

func (c *Courier) end(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	err := c.db.Write(ctx, func(ctx context.Context, tx database.Tx) error {
		_, err := tx.NewRaw("UPDATE courier_instances SET ended_at = ? WHERE id = ?", database.Stamp(c.now()), c.instance).Exec(ctx)
		return err
	})
	if err != nil {
		c.log.Error("courier: end", "err", err)
	}
}

// recover makes unsure what programs that ended left leaving.
func (c *Courier) recover(ctx context.Context) error {
	var rows []Attempt
	err := c.db.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		dead := tx.NewSelect().TableExpr("courier_instances").ColumnExpr("id").Where("ended_at IS NOT NULL")
		return tx.NewSelect().Model(&rows).Where("a.outcome = '' AND a.instance IN (?)", dead).Order("school", "letter").Scan(ctx)
	})
	if err != nil {
		return fmt.Errorf("courier: recover: %w", err)
	}
	for _, a := range rows {
		err := c.db.InSchool(database.Urgent(ctx), a.School, func(ctx context.Context, tx database.Tx) error {
			l, err := ByID(ctx, tx, a.School, a.Letter)
			if err != nil {
				return err
			}
			if l.State != Leaving || l.Attempts != a.N {
				return nil
			}
			now := c.now()
			r := Result{Outcome: NoAnswer, Answer: "the program ended while the letter was leaving"}
			if err := endAttempt(ctx, tx, l, r, now); err != nil {
				return err
			}
			state, because, due := next(l, r, now)
			if err := settle(ctx, tx, l, state, because, due, now); err != nil {
				return err
			}
			return c.journal.Append(ctx, tx, l.School, now, journal.Deed{Act: "letter.unsure", Actor: "courier", Subject: l.ID,
				Detail: map[string]string{"attempt": fmt.Sprint(a.N), "outcome": string(NoAnswer)}})
		})
		if err != nil {
			return fmt.Errorf("courier: recover: %w", err)
		}
	}
	return nil
}
