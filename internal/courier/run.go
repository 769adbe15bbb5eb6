package courier

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/preau-ent/preau/internal/courier/internal/bounce"
	"github.com/preau-ent/preau/internal/courier/internal/sms"
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
	relay    Relay
	program  atomic.Pointer[string] // see instance
	poke     chan struct{}
	answers  chan answered
	step     func(string)
	pause    time.Duration
	resumes  atomic.Int64        // Unix seconds of the clock; see pausing
	undone   map[string]struct{} // stops whose letters were asked back from their carriers
}

// Config of a Courier. Now is the installation's clock.
type Config struct {
	DB       *database.DB
	Journal  *journal.Journal
	Carriers Carriers
	Now      func() time.Time
	Log      *slog.Logger
	// Pause is how long a started program waits before letters that it found in the
	// queue leave: whoever sees the count can still stop them.
	Pause time.Duration
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
	StepReceived = "received" // a receipt is committed, not acknowledged and not applied
)

// New makes a courier; Run makes it work.
func New(c Config) *Courier {
	if c.Step == nil {
		c.Step = func(string) {}
	}
	courier := &Courier{db: c.DB, journal: c.Journal, carriers: c.Carriers, now: c.Now, log: c.Log, vouch: map[Kind]Vouch{}, reply: map[Kind]Reply{},
		poke: make(chan struct{}, 1), answers: make(chan answered, mostAtOnce), step: c.Step, pause: c.Pause, undone: map[string]struct{}{}}
	courier.rename()
	for _, a := range c.Carriers.by[directory.Email] {
		if m, ok := a.carrier.(*byMail); ok {
			m.token = courier.returnToken
		}
	}
	for _, a := range c.Carriers.by[directory.SMS] {
		if s, ok := a.carrier.(*bySMPP); ok {
			s.late = func(letter string, r Result) { courier.answeredLate(context.Background(), a, letter, r) }
		}
	}
	return courier
}

// VouchFor registers who answers for a kind of letters. A kind without a voucher never
// leaves.
func (c *Courier) VouchFor(k Kind, v Vouch) { c.vouch[k] = v }

// instance is this program among those that run, for the attempts that it makes.
func (c *Courier) instance() string { return *c.program.Load() }

// rename makes it another program, for those that it makes from now on.
func (c *Courier) rename() {
	id := database.NewID()
	c.program.Store(&id)
}

// Carriers tells which ways out there are.
func (c *Courier) Carriers() Carriers { return c.carriers }

// Poke tells the running courier that there may be something to do now.
func (c *Courier) Poke() {
	select {
	case c.poke <- struct{}{}:
	default:
	}
}

const codeLength = 7

// NewCode makes a reference for a family to read out: 7 characters that are not taken
// for one another, 35 bits.
func NewCode() string {
	const letters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
	var b [codeLength]byte
	rand.Read(b[:])
	for i := range b {
		b[i] = letters[b[i]%32]
	}
	return string(b[:])
}

const (
	heartbeat = 10 * time.Second // of this program's row, and of what is watched
	deadAfter = time.Minute      // a program not seen for so long is dead
	idle      = 2 * time.Second  // between two looks at an empty queue
	gather    = 10 * time.Millisecond
)

// Run claims and sends until ctx ends, then waits for the letters on their way as long
// as farewell lasts; what is still on its way then is found unsure at the next start.
func (c *Courier) Run(ctx context.Context, farewell time.Duration) error {
	if err := c.begin(ctx); err != nil {
		return err
	}
	// Sending, settling and the carriers' connections outlive the order to stop by the
	// farewell, and end in this order.
	afterwards := context.WithoutCancel(ctx)
	sending, cut := context.WithCancel(afterwards)
	talking, hangUp := context.WithCancel(afterwards)
	var carried, settled, connected sync.WaitGroup
	settled.Go(func() { c.settleAnswers(afterwards) })
	c.connect(talking, &connected)
	defer func() {
		done := make(chan struct{})
		go func() { carried.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(farewell):
		}
		cut()
		<-done
		close(c.answers)
		settled.Wait()
		hangUp()
		connected.Wait()
		c.end(afterwards)
	}()
	lastBeat := c.now()
	for {
		// A clock that was put back does not silence the heart.
		if since := c.now().Sub(lastBeat); since >= heartbeat || since < 0 {
			lastBeat = c.now()
			if err := errors.Join(c.beat(ctx), c.watch(ctx), c.watchBinds(ctx)); err != nil && ctx.Err() == nil {
				c.log.Error("courier: heartbeat", "err", err)
			}
		}
		did, err := c.round(ctx, sending, &carried)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			// Whatever cannot be written is not sent: the claim comes first.
			c.log.Error("courier: round", "err", err)
		}
		if did == more && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(idle):
		case <-c.poke:
			// Answers and room come one by one: letters that leave together cost less.
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(gather):
			}
		}
	}
}

// connect keeps the carriers' connections until ctx ends, wakes the courier when one of
// them has room again, and looks now and then for what receipts are about.
func (c *Courier) connect(ctx context.Context, wg *sync.WaitGroup) {
	wg.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(heartbeat):
			}
			if err := c.matchOpen(ctx); err != nil && ctx.Err() == nil {
				c.log.Error("courier: receipts", "err", err)
			}
		}
	})
	for _, a := range c.carriers.all() {
		if talks, ok := a.carrier.(interface {
			run(ctx context.Context, in sms.Inbox) error
		}); ok {
			wg.Go(func() {
				if err := talks.run(ctx, c.inbox(ctx, a)); err != nil && ctx.Err() == nil {
					c.log.Error("courier: carrier", "carrier", a.name, "err", err)
				}
			})
		}
		wg.Go(func() {
			for changed := a.changed(); changed != nil; changed = a.changed() {
				select {
				case <-ctx.Done():
					return
				case <-changed:
					c.Poke()
				}
			}
		})
	}
	if box := c.carriers.box; box != nil {
		wg.Go(func() {
			err := box.Run(ctx, func(b bounce.Bounce) error { return c.bounced(ctx, b) })
			if err != nil && ctx.Err() == nil {
				c.log.Error("courier: the mailbox of returned messages", "err", err)
			}
		})
	}
}

// found is what a look at the queue found.
type found int

const (
	nothing found = iota // nothing to look at, or no room for it
	some                 // something, and that was all that there is room for now
	more                 // something, and there may be more, with room for it
)

// round claims what there is room for, school by school, and sets it on its way.
func (c *Courier) round(ctx, sending context.Context, carried *sync.WaitGroup) (did found, err error) {
	var schools []string
	var stops []Stop
	err = c.db.Read(ctx, func(ctx context.Context, tx database.Tx) (err error) {
		if stops, err = c.newStops(ctx, tx); err != nil {
			return err
		}
		now := c.now()
		schools, err = schoolsDue(ctx, tx, now, c.carriers.rooms(now).channels(c.carriers))
		return err
	})
	if err != nil {
		return nothing, err
	}
	if len(stops) > 0 {
		for _, s := range stops {
			c.undone[s.ID] = struct{}{}
		}
		carried.Go(func() { c.takeBack(sending, stops) })
	}
	for _, school := range schools {
		errands, what, err := c.claim(ctx, school)
		if err != nil {
			return did, err
		}
		did = max(did, what)
		for _, e := range errands {
			carried.Add(1)
			go c.carry(sending, e, carried.Done)
		}
	}
	return did, nil
}

// Pass does once everything that is to be done now and returns when each letter has its
// answer. It is Run's work without the waiting, for programs that own their clock.
func (c *Courier) Pass(ctx context.Context) error {
	var settled, carried sync.WaitGroup
	settled.Go(func() { c.settleAnswers(ctx) })
	defer func() {
		close(c.answers)
		settled.Wait()
		c.answers = make(chan answered, mostAtOnce)
	}()
	if err := errors.Join(c.watch(ctx), c.matchOpen(ctx)); err != nil {
		return err
	}
	for {
		did, err := c.round(ctx, ctx, &carried)
		carried.Wait()
		if err != nil || did == nothing {
			return err
		}
	}
}
