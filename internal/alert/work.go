package alert

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// Alert is the running decider.
type Alert struct {
	db      *database.DB
	journal *journal.Journal
	courier *courier.Courier
	letters *Letters
	url     string
	now     func() time.Time
	log     *slog.Logger
	poke    chan struct{}
	step    func(string)
	words   *page.Words
	heads   func(context.Context, database.Tx, string) ([]string, error)
	home    FindHome
	judged  sync.Map     // judged, by school
	dailies sync.Map     // when the next letter of the day is due, by school
	usual   sync.Map     // usualDay, by school
	passed  atomic.Int64 // Unix seconds of the machine's clock
}

// Config of an Alert. Now is the installation's clock.
type Config struct {
	DB      *database.DB
	Journal *journal.Journal
	Courier *courier.Courier
	Now     func() time.Time
	Log     *slog.Logger
	// URL is the site's own address, https://HOST: messages lead there for an answer.
	// Empty: they give the school's telephone number.
	URL string
	// Heads lists the persons to whom a school's letter of the day goes: accounts are above
	// this package. nil: there is none.
	Heads func(ctx context.Context, tx database.Tx, school string) ([]string, error)
	// Home tells what is known of absences from classes at home. nil: nothing, and nobody is
	// told of any.
	Home FindHome
	// Step, where set, hears each durable step: see courier.Config.
	Step func(step string)
}

// Steps of an absence, in order, as Config.Step hears them.
const (
	StepDecided = "decided" // the decision about a mark is committed
	StepTold    = "told"    // the letters are committed
	// StepCorrected: some of a correction's episodes are over, with their letters.
	StepCorrected = "corrected"
)

// New makes an Alert, and registers with the courier that it answers for its letters.
func New(c Config) (*Alert, error) {
	letters, err := LoadLetters(letterFiles)
	if err != nil {
		return nil, err
	}
	words, err := page.NewWords(Words)
	if err != nil {
		return nil, err
	}
	if c.Step == nil {
		c.Step = func(string) {}
	}
	a := &Alert{db: c.DB, journal: c.Journal, courier: c.Courier, letters: letters, url: strings.TrimRight(c.URL, "/"), words: words, heads: c.Heads, home: c.Home, now: c.Now, log: c.Log, poke: make(chan struct{}, 1), step: c.Step}
	for _, k := range []courier.Kind{courier.Absence, courier.Arrived, courier.Correction} {
		c.Courier.VouchFor(k, a.stillTrue)
	}
	if c.Heads != nil {
		c.Courier.VouchFor(courier.Daily, a.dailyStillTrue)
	}
	c.Courier.RepliesFor(courier.Absence, a.reply)
	c.Courier.OnStopped(a.stopped)
	return a, nil
}

// Poke tells the running decider that there may be something to do now.
func (a *Alert) Poke() {
	select {
	case a.poke <- struct{}{}:
	default:
	}
}

// LastPass is when Run last did all that there was to do, by the machine's clock: what the
// status page asks.
func (a *Alert) LastPass() time.Time { return time.Unix(a.passed.Load(), 0) }

// rest is the pause between two passes; held episodes leave at most that much late.
const rest = time.Second

// Run decides until ctx ends.
func (a *Alert) Run(ctx context.Context) error {
	for {
		if err := a.Pass(ctx); err == nil {
			a.passed.Store(time.Now().Unix())
		} else if ctx.Err() == nil {
			a.log.Error("alert: pass", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-a.poke:
		case <-time.After(rest):
		}
	}
}

// Pass does once all that there is to do, school by school. A school that fails does
// not keep the others waiting.
func (a *Alert) Pass(ctx context.Context) error {
	var schools []string
	err := a.db.Read(ctx, func(ctx context.Context, tx database.Tx) (err error) {
		schools, err = schoolsAtWork(ctx, tx, a.now())
		return err
	})
	if err != nil {
		return err
	}
	var first error
	for _, s := range schools {
		if err := a.passSchool(ctx, s); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			a.log.Error("alert: school", "school", s, "err", err)
			if first == nil {
				first = err
			}
		}
	}
	if err := a.writeDailies(ctx, schools); first == nil {
		first = err
	}
	return first
}

func (a *Alert) passSchool(ctx context.Context, id string) error {
	// What takes a mistake back waits for nothing else.
	if err := a.correctOpen(ctx, id); err != nil {
		return err
	}
	if err := a.decideMarks(ctx, id); err != nil {
		return err
	}
	if err := a.judgeSchool(ctx, id); err != nil {
		return err // what cannot be judged is not told
	}
	if err := a.lookAtHeld(ctx, id); err != nil {
		return err
	}
	if err := a.followUp(ctx, id); err != nil {
		return err
	}
	if err := a.callHeld(ctx, id); err != nil {
		return err
	}
	return a.callFamilies(ctx, id)
}

// inSchool runs fn in the school's transaction with what decisions need of it.
func (a *Alert) inSchool(ctx context.Context, id string, fn func(context.Context, database.Tx, school, time.Time) error) error {
	return a.db.InSchool(database.Urgent(ctx), id, func(ctx context.Context, tx database.Tx) error {
		s, err := loadSchool(ctx, tx, id)
		if err != nil {
			return err
		}
		return fn(ctx, tx, s, a.now())
	})
}

// decideMarks decides about undecided marks, one transaction each.
func (a *Alert) decideMarks(ctx context.Context, id string) error {
	for {
		var marks []attendance.Mark
		err := a.db.Read(ctx, func(ctx context.Context, tx database.Tx) (err error) {
			marks, err = attendance.Undecided(ctx, tx, id, 200)
			return err
		})
		if err != nil || len(marks) == 0 {
			return err
		}
		for _, k := range marks {
			if err := a.inSchool(ctx, id, func(ctx context.Context, tx database.Tx, s school, now time.Time) error {
				return a.decide(ctx, tx, s, k, now)
			}); err != nil {
				return err
			}
			a.step(StepDecided)
			a.courier.Poke() // the decision may have written an arrival or a correction
		}
	}
}

// decide writes the one decision about a mark. A mark that was decided meanwhile, by
// another node or before a crash, is left as it is.
func (a *Alert) decide(ctx context.Context, tx database.Tx, s school, k attendance.Mark, now time.Time) error {
	if _, done, err := DecisionOf(ctx, tx, s.ID, k.N); err != nil || done {
		return firstErr(err, func() error { return attendance.Settled(ctx, tx, s.ID, k.N) })
	}
	if err := a.findHome(ctx, tx, s.ID, []attendance.Mark{k}, now); err != nil {
		return err
	}
	f, err := facts(ctx, tx, s, k, now)
	if err != nil {
		return err
	}
	verdict, why, open := Decide(f)
	d := Decision{School: s.ID, Mark: k.N, Decision: verdict, Because: why, Episode: open.ID, At: database.Stamp(now)}
	switch verdict {
	case Hold, Phone:
		e := newEpisode(f, verdict, why)
		if _, err := tx.NewInsert().Model(&e).Exec(ctx); err != nil {
			return err
		}
		d.Episode = e.ID
		mistake, err := corrected(ctx, tx, e, k)
		if err == nil && mistake {
			err = a.takeBack(ctx, tx, e, now)
		} else if err == nil && verdict == Phone {
			err = a.telephoneAll(ctx, tx, e, why, now)
		}
		if err != nil {
			return err
		}
	case Withdraw, End:
		for _, e := range Endings(f) {
			if e.Verdict == Withdraw {
				err = a.withdraw(ctx, tx, e.Episode, e.Because, now)
			} else {
				err = a.end(ctx, tx, e.Episode, e.Because, now)
			}
			if err != nil {
				return err
			}
		}
	}
	if _, err := tx.NewInsert().Model(&d).Exec(ctx); err != nil {
		return err
	}
	if err := attendance.Settled(ctx, tx, s.ID, k.N); err != nil {
		return err
	}
	subject := d.Episode
	if subject == "" {
		subject = k.Pupil
	}
	return a.journal.Append(ctx, tx, s.ID, now, journal.Deed{Act: "alert." + string(verdict), Actor: "alert", Subject: subject,
		Detail: map[string]string{"mark": itoa(k.N), "pupil": k.Pupil, "sitting": k.Sitting, "because": string(why)}})
}

func newEpisode(f Facts, v Verdict, why Because) Episode {
	half := timetable.HalfDay(f.Sitting.StartsAt, f.Zone)
	e := Episode{School: f.Mark.School, ID: database.NewID(), Pupil: f.Mark.Pupil, HalfDay: half, Seq: 1, Mark: f.Mark.N, Sitting: f.Mark.Sitting,
		FirstAt: database.Stamp(f.Mark.At), LeavesAt: database.Stamp(Leaves(f.Mark.At, f.Hold, f.Zone)), ExpiresAt: database.Stamp(Expires(f.Sitting, f.Zone)), State: Held}
	for _, other := range f.Episodes {
		if other.HalfDay == half && other.Seq >= e.Seq {
			e.Seq = other.Seq + 1
		}
	}
	if v == Phone {
		e.State, e.Because, e.SettledAt = Untold, why, database.Stamp(f.Now)
	}
	return e
}

// end closes an episode that was told or telephoned: what has not begun to leave is
// recalled, families not yet called need not be.
func (a *Alert) end(ctx context.Context, tx database.Tx, e Episode, why Because, now time.Time) error {
	if err := a.courier.Recall(ctx, tx, e.School, e.ID, courier.Absence, string(why), now); err != nil {
		return err
	}
	if err := settleEpisode(ctx, tx, e, Over, why, now); err != nil {
		return err
	}
	if err := a.spareCalls(ctx, tx, e, now); err != nil {
		return err
	}
	// Those whose letters left are told in the same transaction: both or neither.
	return a.follow(ctx, tx, e.School, e.ID, now)
}

// withdraw ends a held episode: nobody was told, and nobody need be telephoned.
func (a *Alert) withdraw(ctx context.Context, tx database.Tx, e Episode, why Because, now time.Time) error {
	if err := settleEpisode(ctx, tx, e, Withdrawn, why, now); err != nil {
		return err
	}
	return a.spareCalls(ctx, tx, e, now)
}

// lookAtHeld looks again at every held episode.
func (a *Alert) lookAtHeld(ctx context.Context, id string) error {
	type due struct {
		Episode
		verdict Verdict
	}
	var changed []due
	err := a.db.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		var held []Episode
		if err := tx.NewSelect().Model(&held).Where("e.school = ? AND e.state = ?", id, Held).Order("leaves_at", "id").Scan(ctx); err != nil || len(held) == 0 {
			return err
		}
		s, err := loadSchool(ctx, tx, id)
		if err != nil {
			return err
		}
		trips, err := Trips(ctx, tx, id, timetable.Day(a.now(), s.zone))
		if err != nil {
			return err
		}
		open := openTrips(trips)
		return lookAgain(ctx, tx, s, held, a.now(), func(e Episode, v Verdict, _ Because) {
			if v != Keep && !(v == Tell && trippedOf(open, e)) {
				changed = append(changed, due{e, v})
			}
		})
	})
	if err != nil {
		return err
	}
	for _, e := range changed {
		told := false
		if err := a.inSchool(ctx, id, func(ctx context.Context, tx database.Tx, s school, now time.Time) (err error) {
			told, err = a.settleHeld(ctx, tx, s, e.ID, now)
			return err
		}); err != nil {
			return err
		}
		if told {
			a.step(StepTold)
			a.courier.Poke()
		}
	}
	return nil
}

// lookAgain says what becomes of episodes now, in their order. What it looks at is read
// once a day of theirs, for all of them.
func lookAgain(ctx context.Context, tx database.Tx, s school, episodes []Episode, now time.Time, say func(Episode, Verdict, Because)) error {
	pupils := map[string][]string{} // by day
	for _, e := range episodes {
		pupils[e.day()] = append(pupils[e.day()], e.Pupil)
	}
	days := map[string]dayRead{}
	for day, ids := range pupils {
		d, err := readDay(ctx, tx, s, unique(ids), day, now)
		if err != nil {
			return err
		}
		days[day] = d
	}
	for _, e := range episodes {
		d := days[e.day()]
		k, err := d.mark(e.Pupil, e.Mark)
		if err != nil {
			return err
		}
		v, why := LookAgain(d.facts(k), e)
		say(e, v, why)
	}
	return nil
}

// settleHeld looks again inside the school's transaction, and in the same transaction
// turns the episode into letters, withdraws it, or hands it to the telephone.
func (a *Alert) settleHeld(ctx context.Context, tx database.Tx, s school, id string, now time.Time) (told bool, err error) {
	e, err := EpisodeByID(ctx, tx, s.ID, id)
	if err != nil || e.State != Held {
		return false, err
	}
	if err := a.findHomeOf(ctx, tx, s.ID, []int64{e.Mark}, now); err != nil {
		return false, err
	}
	var v Verdict
	var why Because
	if err := lookAgain(ctx, tx, s, []Episode{e}, now, func(_ Episode, is Verdict, because Because) { v, why = is, because }); err != nil {
		return false, err
	}
	deed := journal.Deed{Act: "alert." + string(v), Actor: "alert", Subject: e.ID, Detail: map[string]string{"pupil": e.Pupil, "because": string(why)}}
	switch v {
	case Keep:
		return false, nil
	case Withdraw:
		err = a.withdraw(ctx, tx, e, why, now)
	case Phone:
		if err = settleEpisode(ctx, tx, e, Untold, why, now); err == nil {
			err = a.telephoneAll(ctx, tx, e, why, now)
		}
	case Tell:
		// Judged again here: nothing is told between a mark and its judgement, on any node.
		open, _, err := a.judge(ctx, tx, s, now)
		if err != nil || trippedOf(open, e) {
			return false, err
		}
		if told, why, err = a.tell(ctx, tx, s, e, now); err != nil {
			return false, err
		} else if !told {
			deed.Act, deed.Detail["because"] = "alert."+string(Phone), string(why)
		}
	}
	if err != nil {
		return false, err
	}
	return told, a.journal.Append(ctx, tx, s.ID, now, deed)
}

func firstErr(err error, then func() error) error {
	if err != nil {
		return err
	}
	return then()
}
