package alert

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/timetable"
)

// Today is what the office sees of one day: who is absent, whose family is about to be
// told, was told, or must be telephoned.
type Today struct {
	School     string
	Now        time.Time
	Morning    bool // before the afternoon begins
	Service    Service
	InService  bool
	Rehearsing bool
	Keeping    Keeping
	Pupils     int // who belong to the school
	Absent     int // absent now, for whatever reason
	Known      int // of these, expected elsewhere or in the building
	Reasons    []ReasonCount
	Tripped    []Trip    // what the breaker holds
	Held       []HeldRow // first to leave first
	Told       []ToldRow // what is unusual first, then last told first
	Messages   []StateCount
	Alarms     []AlarmRow // before everything else
	Calls      []CallRow  // oldest first
	Families   int        // families among them
	Tasks      []TaskRow  // for the head and the CPE
}

// ReasonCount says of how many pupils a reason is known.
type ReasonCount struct {
	Reason string // of attendance.Reasons
	N      int
}

// StateCount says how many messages of the day are in a state.
type StateCount struct {
	State courier.State
	N     int
}

// HeldRow is a pupil whose family will be told.
type HeldRow struct {
	Pupil    directory.Person
	Class    string
	Sitting  string
	Adults   int  // who may be told
	Self     bool // the pupil too, who is of age
	LeavesAt time.Time
	Left     time.Duration
	Percent  int  // of the hold that is left
	Breaker  bool // the breaker keeps it
}

// ToldRow is a pupil whose family was told.
type ToldRow struct {
	Episode  string
	Pupil    directory.Person
	Class    string
	At       time.Time // of the first letter
	People   int       // to whom
	Over     Because   // why it is over: arrived, corrected; empty: it is not
	OverAt   time.Time
	Letters  []LetterRow
	Voices   []Voice // what the family says now
	Exercise bool    // of a rehearsal: nobody was told
}

// AlarmWhy says why the office must look at once.
type AlarmWhy string

// Why the office must look at once.
const (
	AlarmMissed      AlarmWhy = "missed"      // the family says that the pupil should be in class
	AlarmContradicts AlarmWhy = "contradicts" // and somebody else of the family says otherwise
	AlarmOverdue     AlarmWhy = "overdue"     // on the way, for too long
	AlarmUnread      AlarmWhy = "unread"      // an SMS that nobody has read, after the call was closed
)

// AlarmRow is a pupil about whom the office acts before everything else.
type AlarmRow struct {
	Episode string
	Why     AlarmWhy
	Pupil   directory.Person
	Class   string
	Voices  []Voice
}

// Voice is what one person of a family says now.
type Voice struct {
	Person  directory.Person
	Kinship string
	Says    FamilySays
	Reason  string
	Span    Span
	At      time.Time
	Numbers []string // E.164, of an alarm's
}

// LetterRow is what became of one letter.
type LetterRow struct {
	ID      string
	Code    string
	Kind    courier.Kind
	Channel directory.Channel
	State   courier.State
	Because string
	Again   bool // unsure, and sent once more by itself
	At      time.Time
}

// CallRow is one person to telephone.
type CallRow struct {
	ID       string
	Because  Because
	OpenedAt time.Time
	Today    bool
	Pupil    directory.Person
	Class    string
	Adult    directory.Person // zero: nobody to name
	Kinship  string
	Entitled bool     // may still be told: else nobody telephones
	Numbers  []string // E.164
	Letter   string   // the letter that led to the call; empty: none
	LetterAt time.Time
	Channel  directory.Channel
}

// TaskRow is something to settle about a person.
type TaskRow struct {
	Kind     string
	Person   directory.Person
	OpenedAt time.Time
}

// Board reads the office's day, in a number of queries that does not grow with it.
func Board(ctx context.Context, tx database.Tx, school string, now time.Time) (Today, error) {
	b, err := readBoard(ctx, tx, school, now)
	if err != nil {
		return Today{}, err
	}
	return b.today(now), nil
}

// board is what is read for a Today. Nothing changes it once it is read.
type board struct {
	school school
	now    time.Time
	day    string

	pupils     int64
	absent     []string // pupils
	statements map[string][]attendance.Statement
	episodes   []Episode
	calls      []Call
	answers    map[string][]Answer // by episode
	trips      []Trip              // in force
	closed     []Call              // of episodes with an SMS that nobody has read
	tasks      []directory.Task
	keeping    Keeping
	letters    map[string][]courier.Letter // by episode
	people     map[string]directory.Person
	classes    map[string]string
	sittings   map[string]timetable.Sitting
	numbers    map[string][]directory.ContactPoint
	standings  map[string][]directory.Standing // by pupil
	marks      map[string][]attendance.Mark    // of whoever was noted absent today, in order
	sums       map[string]attendance.Sums      // of the rolls on which many are absent
	findings   map[int64]attendance.Finding    // of the absences from classes at home among them
	toldOn     string                          // the last day before this one with episodes; empty: none
	toldThen   map[string]bool                 // pupils whose family was told or telephoned on it
}

func readBoard(ctx context.Context, tx database.Tx, schoolID string, now time.Time) (*board, error) {
	s, err := loadSchool(ctx, tx, schoolID)
	if err != nil {
		return nil, err
	}
	b := &board{school: s, now: now, day: timetable.Day(now, s.zone)}
	if err := b.readDay(ctx, tx, now); err != nil {
		return nil, err
	}
	if err := b.readLetters(ctx, tx); err != nil {
		return nil, err
	}
	return b, b.readPeople(ctx, tx)
}

func (b *board) readDay(ctx context.Context, tx database.Tx, now time.Time) (err error) {
	id := b.school.ID
	if b.pupils, err = directory.CountPupils(ctx, tx, id, b.day); err != nil {
		return err
	}
	if b.keeping, err = keeping(ctx, tx, b.school.service, b.day); err != nil {
		return err
	}
	if b.absent, err = attendance.AbsentPupils(ctx, tx, id, b.day); err != nil {
		return err
	}
	if err = b.readMarks(ctx, tx); err != nil {
		return err
	}
	if b.statements, err = attendance.Statements(ctx, tx, id, b.absent, now); err != nil {
		return err
	}
	if b.episodes, err = OfDay(ctx, tx, id, b.day); err != nil {
		return err
	}
	trips, err := Trips(ctx, tx, id, b.day)
	if err != nil {
		return err
	}
	b.trips = openTrips(trips)
	if b.calls, err = OpenCalls(ctx, tx, id); err != nil {
		return err
	}
	if err = b.readAnswers(ctx, tx); err != nil {
		return err
	}
	b.tasks, err = directory.OpenTasks(ctx, tx, id)
	return err
}

func (b *board) readLetters(ctx context.Context, tx database.Tx) error {
	var refs []string
	for _, e := range b.episodes {
		if e.State == Told || e.State == Over {
			refs = append(refs, e.ID)
		}
	}
	for _, c := range b.calls {
		refs = append(refs, c.Episode)
	}
	letters, err := courier.StatesAbout(ctx, tx, b.school.ID, unique(refs))
	b.letters = map[string][]courier.Letter{}
	for _, l := range letters {
		b.letters[l.Ref] = append(b.letters[l.Ref], l)
	}
	return err
}

// readPeople reads who is named, and asks the directory about the pupils whose family
// is about to be told or telephoned.
func (b *board) readPeople(ctx context.Context, tx database.Tx) error {
	id := b.school.ID
	var asked, pupils, others, adults, sittings []string
	for _, e := range b.episodes {
		if len(b.answers[e.ID]) > 0 {
			asked = append(asked, e.Pupil)
		}
		for _, f := range b.answers[e.ID] {
			adults = append(adults, f.Person)
		}
	}
	for _, e := range b.episodes {
		switch e.State {
		case Held:
			asked = append(asked, e.Pupil)
			sittings = append(sittings, e.Sitting)
		case Told, Over:
			pupils = append(pupils, e.Pupil)
		}
	}
	for _, c := range b.calls {
		asked = append(asked, c.Pupil)
		if c.Adult != "" {
			adults = append(adults, c.Adult)
		}
	}
	for _, t := range b.tasks {
		others = append(others, t.Person)
	}
	// Whoever was noted absent is named, whatever became of it; and so is where.
	for pupil, marks := range b.marks {
		pupils = append(pupils, pupil)
		for _, k := range marks {
			sittings = append(sittings, k.Sitting)
		}
	}
	cases, err := directory.LeanCases(ctx, tx, id, unique(asked))
	if err != nil {
		return err
	}
	b.people, b.standings = map[string]directory.Person{}, map[string][]directory.Standing{}
	for i, c := range cases {
		if i == 0 {
			maps.Copy(b.people, c.Adults) // everybody who was read, pupils too
		}
		b.standings[c.Pupil.ID] = directory.Entitled(c, b.day)
	}
	var more []string
	for _, person := range slices.Concat(pupils, adults, others) {
		if _, ok := b.people[person]; !ok {
			more = append(more, person)
		}
	}
	rest, err := directory.Names(ctx, tx, id, unique(more))
	if err != nil {
		return err
	}
	maps.Copy(b.people, rest)
	if b.classes, err = directory.ClassesOf(ctx, tx, id, unique(slices.Concat(asked, pupils)), b.day); err != nil {
		return err
	}
	if b.sittings, err = timetable.Some(ctx, tx, id, unique(sittings)); err != nil {
		return err
	}
	b.numbers, err = directory.Voice(ctx, tx, id, unique(adults))
	return err
}

// today says what was read as it stands now.
func (b *board) today(now time.Time) Today {
	t := Today{School: b.school.ID, Now: now, Morning: timetable.HalfDay(now, b.school.zone) == b.day+"/am",
		Service: b.school.service, InService: b.school.sends(b.day), Rehearsing: b.school.rehearsal.Open(), Keeping: b.keeping, Pupils: int(b.pupils), Tripped: b.trips}
	absent := map[string]bool{}
	open := map[string]bool{}
	messages := map[courier.State]int{}
	for _, e := range b.episodes {
		switch e.State {
		case Held:
			t.Held = append(t.Held, b.held(e, now))
			absent[e.Pupil], open[e.Pupil] = true, true
		case Told, Untold:
			absent[e.Pupil], open[e.Pupil] = true, true
		}
		if letters := b.letters[e.ID]; len(letters) > 0 {
			t.Told = append(t.Told, b.told(e, letters))
			for _, l := range letters {
				messages[l.State]++
			}
		}
	}
	reasons := map[string]int{}
	for _, pupil := range b.absent {
		absent[pupil] = true
		if reason, known := b.known(pupil, now); known && !open[pupil] {
			t.Known++
			reasons[reason]++
		}
	}
	t.Absent = len(absent)
	t.Reasons = inOrder(reasons)
	for _, state := range states {
		if n := messages[state]; n > 0 {
			t.Messages = append(t.Messages, StateCount{state, n})
		}
	}
	slices.SortStableFunc(t.Told, func(a, b ToldRow) int {
		return cmp.Or(cmp.Compare(usual(a.Letters), usual(b.Letters)), b.At.Compare(a.At))
	})
	t.Alarms = b.alarms(now)
	families := map[string]bool{}
	for _, c := range b.calls {
		t.Calls = append(t.Calls, b.call(c))
		families[c.Pupil] = true
	}
	t.Families = len(families)
	for _, k := range b.tasks {
		t.Tasks = append(t.Tasks, TaskRow{k.Kind, b.people[k.Person], k.OpenedAt})
	}
	return t
}

// usual is 0 for letters that a person should look at, 1 for the others.
func usual(letters []LetterRow) int {
	for _, l := range letters {
		switch l.State {
		case courier.Unsure, courier.Refused, courier.Unheard, courier.Void:
			return 0
		}
	}
	return 1
}

// shortest names a sitting in a narrow column: by its label where that fits.
func shortest(s timetable.Sitting) string {
	if utf8.RuneCountInString(s.Label) <= timetable.ShortLabelMax+2 {
		return s.Label
	}
	return s.ShortLabel
}

// states are the states of a letter in the order in which they are told.
var states = []courier.State{courier.Waiting, courier.Leaving, courier.Left, courier.Delivered, courier.Unheard, courier.Unsure, courier.Refused, courier.Void}

// known tells why nobody need be told of an absent pupil, where it is known.
func (b *board) known(pupil string, now time.Time) (string, bool) {
	s, ok := b.knownOf(pupil, now)
	return s.Reason, ok
}

func inOrder(reasons map[string]int) []ReasonCount {
	var out []ReasonCount
	for _, r := range slices.Concat(attendance.Reasons(attendance.Elsewhere), attendance.Reasons(attendance.Inside)) {
		if n := reasons[r]; n > 0 {
			out = append(out, ReasonCount{r, n})
		}
	}
	slices.SortStableFunc(out, func(a, b ReasonCount) int { return cmp.Compare(b.N, a.N) })
	return out
}

func (b *board) held(e Episode, now time.Time) HeldRow {
	r := HeldRow{Pupil: b.people[e.Pupil], Class: b.classes[e.Pupil], Sitting: shortest(b.sittings[e.Sitting]),
		LeavesAt: e.LeavesAt, Left: max(0, e.LeavesAt.Sub(now)), Breaker: trippedOf(b.trips, e)}
	if whole := e.LeavesAt.Sub(e.FirstAt); whole > 0 {
		r.Percent = int(100 * r.Left / whole)
	}
	for _, s := range b.standings[e.Pupil] {
		switch {
		case s.Told && s.Person == e.Pupil:
			r.Self = true
		case s.Told:
			r.Adults++
		}
	}
	return r
}

func (b *board) told(e Episode, letters []courier.Letter) ToldRow {
	r := ToldRow{Episode: e.ID, Pupil: b.people[e.Pupil], Class: b.classes[e.Pupil]}
	if e.State == Over {
		r.Over, r.OverAt = e.Because, e.SettledAt
	}
	people := map[string]bool{}
	for _, l := range letters {
		at := l.LeavingAt
		if at.IsZero() {
			at = l.CreatedAt
		}
		if l.Kind == courier.Absence && (r.At.IsZero() || at.Before(r.At)) {
			r.At = at
		}
		people[l.Person] = true
		r.Exercise = l.Exercise
		r.Letters = append(r.Letters, LetterRow{ID: l.ID, Code: l.Code, Kind: l.Kind, Channel: l.Channel, State: l.State, Because: l.Because, Again: courier.MayTryAgain(l, b.now), At: at})
	}
	r.People = len(people)
	for _, f := range Latest(b.answers[e.ID]) {
		r.Voices = append(r.Voices, b.voice(f, false))
	}
	return r
}

func (b *board) call(c Call) CallRow {
	r := CallRow{ID: c.ID, Because: c.Because, OpenedAt: c.OpenedAt, Today: timetable.Day(c.OpenedAt, b.school.zone) == b.day,
		Pupil: b.people[c.Pupil], Class: b.classes[c.Pupil], Adult: b.people[c.Adult]}
	for _, s := range b.standings[c.Pupil] {
		if s.Person == c.Adult {
			r.Entitled, r.Kinship = s.Told, s.Link.Kinship
		}
	}
	if r.Entitled {
		for _, p := range b.numbers[c.Adult] {
			if !slices.Contains(r.Numbers, p.Address) {
				r.Numbers = append(r.Numbers, p.Address)
			}
		}
	}
	for _, l := range b.letters[c.Episode] {
		if l.Person == c.Adult && l.Kind == courier.Absence && troubled(l, b.now) == c.Because {
			r.Letter, r.LetterAt, r.Channel = l.ID, l.LeavingAt, l.Channel
		}
	}
	return r
}

// unique gives each id once.
func unique(ids []string) []string {
	slices.Sort(ids)
	return slices.Compact(ids)
}
