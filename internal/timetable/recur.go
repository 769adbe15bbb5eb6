package timetable

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"
	"github.com/teambition/rrule-go"
)

// expand turns the events of a file into their occurrences within the window.
func expand(raw []rawEvent, w Window) (Calendar, error) {
	from, err := time.ParseInLocation(dayForm, w.From, w.Zone)
	if err != nil {
		return Calendar{}, ErrDay
	}
	until, err := time.ParseInLocation(dayForm, w.Until, w.Zone)
	if err != nil {
		return Calendar{}, ErrDay
	}
	x := &expansion{w: w, from: from, until: until.AddDate(0, 0, 1), instead: map[string]map[int64]Event{}}
	// First what replaces single occurrences, then the events that they are of.
	for _, e := range raw {
		if e.id != nil {
			x.replacement(e)
		}
	}
	for _, e := range raw {
		if e.id != nil {
			continue
		}
		if err := x.event(e); err != nil {
			return Calendar{}, err
		}
	}
	x.orphans()
	slices.SortFunc(x.found, func(a, b Event) int {
		return cmp.Or(a.Starts.Compare(b.Starts), cmp.Compare(a.UID, b.UID), cmp.Compare(a.Repeated, b.Repeated), cmp.Compare(a.Line, b.Line))
	})
	return Calendar{Events: unique(x.found), Skipped: x.skipped}, nil
}

type expansion struct {
	w           Window
	from, until time.Time
	instead     map[string]map[int64]Event // by UID and planned beginning
	found       []Event
	skipped     skips
	monthly     int
}

// unique keeps one event of each key: a file may hold an event twice. The one that
// stands later in the file is the newer.
func unique(events []Event) []Event {
	last := map[string]int{}
	for _, e := range events {
		last[e.key()] = max(last[e.key()], e.Line)
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(events, func(e Event) bool {
		k := e.key()
		if e.Line != last[k] || seen[k] {
			return true
		}
		seen[k] = true
		return false
	})
}

// single reads an event's own beginning and end. ok is false when it was skipped.
func (x *expansion) single(e rawEvent) (out Event, ok bool) {
	out = Event{UID: e.uid, Summary: e.summary, Location: e.location, Text: strings.TrimSpace(e.text), Cancelled: e.cancelled, Line: e.line}
	if e.start == nil || e.uid == "" {
		x.skipped.add(SkipNoEnd, e.line)
		return out, false
	}
	start, day, err := moment(e.start, e.start.Value, x.w.Zone)
	if err != nil {
		x.skipped.add(SkipZone, e.line)
		return out, false
	}
	if day {
		x.skipped.add(SkipAllDay, e.line)
		return out, false
	}
	end := start
	if e.end != nil {
		if end, _, err = moment(e.end, e.end.Value, x.w.Zone); err != nil {
			x.skipped.add(SkipZone, e.line)
			return out, false
		}
	} else if e.duration != nil {
		end = start.Add(lasting(e.duration.Value))
	}
	switch {
	case !end.After(start):
		x.skipped.add(SkipNoEnd, e.line)
		return out, false
	case end.Sub(start) > longest:
		x.skipped.add(SkipLong, e.line)
		return out, false
	}
	out.Starts, out.Ends = start, end
	return out, true
}

// replacement keeps an event that stands for one occurrence of another.
func (x *expansion) replacement(e rawEvent) {
	one, ok := x.single(e)
	if !ok {
		return
	}
	planned, day, err := moment(e.id, e.id.Value, x.w.Zone)
	if err != nil || day || len(e.id.ICalParameters["RANGE"]) > 0 {
		x.skipped.add(SkipRule, e.line)
		return
	}
	one.Repeated = Day(planned, x.w.Zone)
	if x.instead[e.uid] == nil {
		x.instead[e.uid] = map[int64]Event{}
	}
	x.instead[e.uid][planned.Unix()] = one
}

// orphans are replacements of occurrences that the file does not have.
func (x *expansion) orphans() {
	var left []Event
	for _, of := range x.instead {
		for _, e := range of {
			left = append(left, e)
		}
	}
	slices.SortFunc(left, func(a, b Event) int { return cmp.Compare(a.Line, b.Line) })
	for _, e := range left {
		x.keep(e)
	}
}

// event adds the occurrences of an event.
func (x *expansion) event(e rawEvent) error {
	one, ok := x.single(e)
	if !ok {
		return nil
	}
	if len(e.rules) == 0 && len(e.rdates) == 0 {
		x.keep(one)
		return x.full(e.line)
	}
	starts, ok := x.starts(e, one.Starts)
	if !ok {
		x.skipped.add(SkipRule, e.line)
		return nil
	}
	length := one.Ends.Sub(one.Starts)
	kept := 0
	for _, s := range starts {
		o := one
		o.Starts, o.Ends, o.Repeated = s, s.Add(length), Day(s, x.w.Zone)
		if r, ok := x.instead[e.uid][s.Unix()]; ok {
			delete(x.instead[e.uid], s.Unix())
			o = r
		}
		if x.within(o) {
			kept++
			x.keep(o)
		}
		if err := x.full(e.line); err != nil {
			return err
		}
	}
	if kept == 0 {
		x.skipped.add(SkipOutside, e.line)
	}
	return nil
}

func (x *expansion) within(e Event) bool {
	return !e.Starts.Before(x.from) && e.Starts.Before(x.until)
}

func (x *expansion) keep(e Event) {
	if !x.within(e) {
		x.skipped.add(SkipOutside, e.Line)
		return
	}
	x.found = append(x.found, e)
}

func (x *expansion) full(line int) error {
	if len(x.found) > maxOccurrences {
		return &FileError{line, "size"}
	}
	return nil
}

// starts lists when an event that repeats begins, up to the window's end. ok is false
// for rules that are not taken.
func (x *expansion) starts(e rawEvent, first time.Time) (all []time.Time, ok bool) {
	if len(e.rules) > 1 || first.Before(x.from.AddDate(-oldest, 0, 0)) {
		return nil, false
	}
	all = []time.Time{first}
	if len(e.rules) == 1 {
		rule, ok := x.rule(e.rules[0], first)
		if !ok {
			return nil, false
		}
		all = all[:0]
		for next := rule.Iterator(); len(all) <= maxOccurrences; {
			t, more := next()
			if !more || !t.Before(x.until) {
				break
			}
			all = append(all, t)
		}
	}
	for _, p := range e.rdates {
		for _, text := range strings.Split(p.Value, ",") {
			t, day, err := moment(p, text, x.w.Zone)
			if err != nil || day { // a period, or a day without an hour
				return nil, false
			}
			all = append(all, t)
		}
	}
	off, offDay, ok := x.exceptions(e.exdates)
	if !ok {
		return nil, false
	}
	seen := map[int64]bool{}
	all = slices.DeleteFunc(all, func(t time.Time) bool {
		gone := seen[t.Unix()] || off[t.Unix()] || offDay[Day(t, x.w.Zone)]
		seen[t.Unix()] = true
		return gone
	})
	return all, true
}

func (x *expansion) exceptions(list []*ics.BaseProperty) (moments map[int64]bool, days map[string]bool, ok bool) {
	moments, days = map[int64]bool{}, map[string]bool{}
	for _, p := range list {
		for _, text := range strings.Split(p.Value, ",") {
			t, day, err := moment(p, text, x.w.Zone)
			switch {
			case err != nil:
				return nil, nil, false
			case day:
				days[t.Format(dayForm)] = true
			default:
				moments[t.Unix()] = true
			}
		}
	}
	return moments, days, true
}

var untilForm = regexp.MustCompile(`(?:^|;)UNTIL=(\w+)`)

// rule reads an RRULE. Taken are repetitions by day, week and month. The library looks
// for the next date until the year 9999, so that a rule that never meets one costs
// seconds: what could be such a rule is not taken, or few times.
func (x *expansion) rule(p *ics.BaseProperty, first time.Time) (*rrule.RRule, bool) {
	if len(p.Value) > 300 {
		return nil, false
	}
	o, err := rrule.StrToROptionInLocation(strings.ToUpper(p.Value), x.w.Zone)
	if err != nil || o.Interval < 0 || o.Interval > 60 || o.Count < 0 ||
		len(o.Byhour)+len(o.Byminute)+len(o.Bysecond)+len(o.Byeaster)+len(o.Byweekno)+len(o.Byyearday) > 0 {
		return nil, false
	}
	interval := max(1, o.Interval)
	switch o.Freq {
	case rrule.DAILY:
		if len(o.Bymonthday)+len(o.Bysetpos)+len(o.Bymonth) > 0 || interval%7 == 0 && len(o.Byweekday) > 0 {
			return nil, false
		}
	case rrule.WEEKLY:
		if len(o.Bymonthday)+len(o.Bysetpos) > 0 || len(o.Bymonth) > 0 && interval > 4 {
			return nil, false
		}
	case rrule.MONTHLY:
		if x.monthly++; x.monthly > maxMonthly {
			return nil, false
		}
	default:
		return nil, false
	}
	o.Dtstart = first
	if bare := untilForm.FindStringSubmatch(strings.ToUpper(p.Value)); bare != nil && len(bare[1]) == len("20060102") {
		o.Until = o.Until.AddDate(0, 0, 1).Add(-time.Second) // a day without an hour is meant whole
	}
	if o.Until.IsZero() || o.Until.After(x.until) {
		o.Until = x.until
	}
	r, err := rrule.NewRRule(*o)
	return r, err == nil
}
