package fictional

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/timetable"
)

// How a week is made, and why nobody is in two places at once. The classes of a level
// are put in blocks of at most seven. Each block keeps four hours of the week for
// itself, in which its pupils leave their classes for groups: two for a second
// language, two for an option or the study hall. Seven blocks share the staff of these
// groups, since their hours differ (seven times four are the 28 hours of the week).
// The other 24 hours of a block are its own staff's: classes and staff are the two
// sides of a graph, lessons its edges, hours its colours, and a bipartite graph can
// always be coloured with as many colours as its busiest vertex has edges (König).

const (
	blockClasses = 7
	poolBlocks   = 7
	weekHours    = 28
	ownHours     = 24 // of a block, in which classes sit as classes
)

// class is one class with its block.
type class struct {
	level int // 0: 2de, 1: 1re, 2: terminale
	group string
	label string
	room  string
	block int
}

// block is some classes of one level that share staff.
type block struct {
	level   int
	classes []int
	pupils  []string
}

func levelName(level int) string { return [...]string{"2de", "1re", "Tle"}[level] }

// makeClasses makes the classes with their seats.
func (m *maker) makeClasses() {
	n := (m.opts.Pupils + 29) / 30
	if n < 2 {
		n = 2 // a brother sits in another class
	}
	count := [3]int{n/3 + min(n%3, 1), n/3 + min(n%3, 2)/2, n / 3}
	for level, k := range count {
		for i := range k {
			c := class{level: level, label: fmt.Sprintf("%s %d", levelName(level), i+1), group: m.id("group")}
			c.room = fmt.Sprintf("%c%d%02d", 'A'+level, 1+i/12, 1+i%12)
			m.classes = append(m.classes, c)
			m.town.Rows.Groups = append(m.town.Rows.Groups, directory.Group{
				School: m.town.School.ID, ID: c.group, Kind: "class", Code: fmt.Sprintf("%s%02d", levelName(level), i+1), Label: c.label,
			})
		}
	}
	sizes := make([]int, n)
	for i := range sizes {
		sizes[i] = m.opts.Pupils / n
		if i < m.opts.Pupils%n {
			sizes[i]++
		}
	}
	for i := 0; i+1 < n; i += 2 { // classes are not all of one size
		d := m.people.IntN(4)
		if sizes[i+1]-d >= 5 {
			sizes[i], sizes[i+1] = sizes[i]+d, sizes[i+1]-d
		}
	}
	for i, size := range sizes {
		for range size {
			m.seats = append(m.seats, i)
		}
	}
	m.people.Shuffle(len(m.seats), func(i, j int) { m.seats[i], m.seats[j] = m.seats[j], m.seats[i] })
}

// castClass is Léa's: 2de 3, or the last 2de of a town with fewer.
func (m *maker) castClass() int { return min(2, m.firstOf(1)-1) }

// firstOf is the index of the first class of a level.
func (m *maker) firstOf(level int) int {
	for i, c := range m.classes {
		if c.level >= level {
			return i
		}
	}
	return len(m.classes) - 1
}

// sitDown takes a seat of one class.
func (m *maker) sitDown(class int) {
	if i := slices.Index(m.seats, class); i >= 0 {
		m.seats = slices.Delete(m.seats, i, i+1)
	}
}

func (m *maker) enrol(pupil string, class int) {
	m.member(m.classes[class].group, pupil)
}

func (m *maker) member(group, pupil string) {
	m.town.Rows.Members = append(m.town.Rows.Members, directory.Member{
		School: m.town.School.ID, Grp: group, Person: pupil, FromOn: m.entry().Format(time.DateOnly),
	})
}

// meeting is one hour of the week that repeats.
type meeting struct {
	kind  timetable.Kind
	label string
	hour  int // of the week, 0 to 27
	group string
	staff string
	room  string
}

// subject is what a class has as a class.
type subject struct {
	label string
	hours int
	room  string // of its own; empty: the class's
}

func subjects(level int) []subject {
	first, science := "Français", "Sciences de la vie et de la Terre"
	if level == 2 {
		first = "Philosophie"
	}
	if level > 0 {
		science = "Enseignement scientifique"
	}
	return []subject{
		{"Mathématiques", 4, ""},
		{first, 4, ""},
		{"Histoire-géographie", 3, ""},
		{"Anglais", 3, ""},
		{"Physique-chimie", 3, "Labo PC"},
		{science, 2, "Labo SVT"},
		{"Éducation physique et sportive", 2, "Gymnase"},
		{"Sciences économiques et sociales", 2, ""},
		{study, 1, "Permanence"},
	}
}

const study = "Permanence"

// makeTimetable makes the week and repeats it.
func (m *maker) makeTimetable() {
	blocks := m.makeBlocks()
	var week []meeting
	for from := 0; from < len(blocks); from += poolBlocks {
		pool := blocks[from:min(from+poolBlocks, len(blocks))]
		hours := m.hours.Perm(weekHours)
		// The cast's class sits as a class on the Tuesday at 08:05.
		if i := slices.Index(hours, tuesdayFirst); i < 4 {
			hours[i], hours[weekHours-1] = hours[weekHours-1], hours[i]
		}
		staff := map[string]string{}
		for i, b := range pool {
			reserved := hours[4*i : 4*i+4]
			week = append(week, m.groupHours(b, reserved, staff, from/poolBlocks)...)
			week = append(week, m.classHours(b, reserved, from+i)...)
		}
	}
	m.repeat(week)
}

func (m *maker) makeBlocks() []block {
	var blocks []block
	for i := range m.classes {
		c := &m.classes[i]
		last := len(blocks) - 1
		if last < 0 || blocks[last].level != c.level || len(blocks[last].classes) == blockClasses {
			blocks = append(blocks, block{level: c.level})
			last++
		}
		c.block = last
		blocks[last].classes = append(blocks[last].classes, i)
	}
	of := make(map[string]int, len(m.classes))
	for _, c := range m.classes {
		of[c.group] = c.block
	}
	for _, mb := range m.town.Rows.Members { // only classes have members as yet
		b := &blocks[of[mb.Grp]]
		b.pupils = append(b.pupils, mb.Person)
	}
	return blocks
}

// groupHours makes the four hours of a block in groups. staff holds those of the pool
// by what they teach; who is missing is engaged.
func (m *maker) groupHours(b block, hours []int, staff map[string]string, pool int) []meeting {
	languages := map[string][]string{}
	options := map[string][]string{}
	for _, p := range b.pupils {
		l := "Espagnol"
		switch x := m.hours.Float64() * 100; {
		case x < 23:
			l = "Allemand"
		case x < 38:
			l = "Italien"
		}
		languages[l] = append(languages[l], p)
		o := study
		if x := m.hours.Float64() * 100; x < 58 {
			o = []string{"Théâtre", "Latin", "Arts plastiques", "Éducation musicale", "Cinéma-audiovisuel"}[int(x/58*5)]
		}
		options[o] = append(options[o], p)
	}
	var week []meeting
	for turn, chosen := range []map[string][]string{languages, options} {
		for _, label := range sortedKeys(chosen) {
			pupils := chosen[label]
			parts := (len(pupils) + 33) / 34
			for part := range parts {
				key := label + " " + strconv.Itoa(part+1)
				if staff[key] == "" {
					staff[key] = m.anyStaff()
				}
				g := directory.Group{School: m.town.School.ID, ID: m.id("group"), Kind: "group",
					Code: fmt.Sprintf("%s-%d-%s", levelName(b.level), m.classes[b.classes[0]].block+1, key),
					Label: fmt.Sprintf("%s %s (%s à %s)", levelName(b.level), key,
						m.classes[b.classes[0]].label, m.classes[b.classes[len(b.classes)-1]].label)}
				m.town.Rows.Groups = append(m.town.Rows.Groups, g)
				for i := part; i < len(pupils); i += parts {
					m.member(g.ID, pupils[i])
				}
				kind := timetable.Lesson
				if label == study {
					kind = timetable.Study
				}
				room := fmt.Sprintf("L%d%02d", pool+1, slices.Index(sortedKeys(chosen), label)*10+part+1+turn*50)
				for _, h := range hours[2*turn : 2*turn+2] {
					week = append(week, meeting{kind: kind, label: label, hour: h, group: g.ID, staff: staff[key], room: room})
				}
			}
		}
	}
	return week
}

// lesson is an edge between a class of a block and a member of its staff.
type lesson struct {
	class, teacher int // within the block
	subject        subject
	hour           int
}

// classHours makes the hours of a block in classes.
func (m *maker) classHours(b block, reserved []int, number int) []meeting {
	var teachers []string
	var rooms []string
	var edges []lesson
	for _, s := range subjects(b.level) {
		n := (len(b.classes)*s.hours + 19) / 20
		first := len(teachers)
		for i := range n {
			teachers = append(teachers, m.teacher(b, s, i))
			room := s.room
			if room != "" {
				room = fmt.Sprintf("%s %d", s.room, 1+number*3+i)
			}
			rooms = append(rooms, room)
		}
		for c := range b.classes {
			for range s.hours {
				edges = append(edges, lesson{class: c, teacher: first + c*n/len(b.classes), subject: s})
			}
		}
	}
	m.hours.Shuffle(len(edges), func(i, j int) { edges[i], edges[j] = edges[j], edges[i] })
	colour(edges, len(b.classes), len(teachers), ownHours)
	m.spread(b, edges, reserved)

	week := make([]meeting, 0, len(edges))
	for _, e := range edges {
		c := m.classes[b.classes[e.class]]
		at := meeting{kind: timetable.Lesson, label: e.subject.label, hour: e.hour, group: c.group, staff: teachers[e.teacher], room: rooms[e.teacher]}
		if e.subject.label == study {
			at.kind = timetable.Study
		}
		if at.room == "" {
			at.room = c.room
		}
		week = append(week, at)
	}
	return week
}

// teacher engages the i-th teacher of a subject for a block: Camille Roy for the
// mathematics of Léa's class, Yanis Kerbrat for its study hall.
func (m *maker) teacher(b block, s subject, i int) string {
	here := slices.Index(b.classes, m.castClass())
	n := (len(b.classes)*s.hours + 19) / 20
	if here >= 0 && here*n/len(b.classes) == i {
		switch s.label {
		case "Mathématiques":
			return m.town.Cast.Teacher
		case study:
			return m.town.Cast.Supervisor
		}
	}
	return m.anyStaff()
}

// colour gives each lesson one of n hours so that no class and no teacher has two at
// one. Nobody may have more than n lessons. Where a class and a teacher have no free
// hour in common, a chain of lessons exchanges two hours to make one.
func colour(edges []lesson, classes, teachers, n int) {
	ofClass, ofTeacher := grid(classes, n), grid(teachers, n)
	for i := range edges {
		e := &edges[i]
		both := -1
		for h := range n {
			if ofClass[e.class][h] < 0 && ofTeacher[e.teacher][h] < 0 {
				both = h
				break
			}
		}
		if both < 0 {
			a := slices.Index(ofClass[e.class], -1)
			both = a
			exchange(edges, ofClass, ofTeacher, e.teacher, a, slices.Index(ofTeacher[e.teacher], -1))
		}
		e.hour = both
		ofClass[e.class][both], ofTeacher[e.teacher][both] = i, i
	}
}

// exchange swaps hours a and b along the chain of lessons that begins with the
// teacher's lesson at a. The chain cannot come back to a class that is free at a.
func exchange(edges []lesson, ofClass, ofTeacher [][]int, teacher, a, b int) {
	var chain []int
	for t, from, to := teacher, a, b; ; {
		i := ofTeacher[t][from]
		if i < 0 {
			break
		}
		chain = append(chain, i)
		j := ofClass[edges[i].class][to]
		if j < 0 {
			break
		}
		chain = append(chain, j)
		t = edges[j].teacher
	}
	for _, i := range chain {
		e := edges[i]
		ofClass[e.class][e.hour], ofTeacher[e.teacher][e.hour] = -1, -1
	}
	for _, i := range chain {
		e := &edges[i]
		e.hour = a + b - e.hour
		ofClass[e.class][e.hour], ofTeacher[e.teacher][e.hour] = i, i
	}
}

func grid(rows, n int) [][]int {
	g := make([][]int, rows)
	for i := range g {
		g[i] = slices.Repeat([]int{-1}, n)
	}
	return g
}

// spread turns colours into hours of the week: those that the block does not keep for
// groups, so that few classes have a subject twice a day, and Léa's has mathematics
// on the Tuesday at 08:05.
func (m *maker) spread(b block, edges []lesson, reserved []int) {
	free := make([]int, 0, ownHours)
	for h := range weekHours {
		if !slices.Contains(reserved, h) {
			free = append(free, h)
		}
	}
	m.hours.Shuffle(len(free), func(i, j int) { free[i], free[j] = free[j], free[i] })
	fixed := -1
	if here := slices.Index(b.classes, m.castClass()); here >= 0 {
		for _, e := range edges {
			if e.class == here && e.subject.label == "Mathématiques" {
				fixed = e.hour
			}
		}
		i := slices.Index(free, tuesdayFirst)
		free[i], free[fixed] = free[fixed], free[i]
	}
	cost := func() int {
		seen := map[[2]any]int{}
		n := 0
		for _, e := range edges {
			k := [2]any{e.class, e.subject.label + dayOf(free[e.hour]).String()}
			n += seen[k]
			seen[k]++
		}
		return n
	}
	best := cost()
	for range 60 {
		i, j := m.hours.IntN(ownHours), m.hours.IntN(ownHours)
		if i == fixed || j == fixed {
			continue
		}
		free[i], free[j] = free[j], free[i]
		if c := cost(); c <= best {
			best = c
		} else {
			free[i], free[j] = free[j], free[i]
		}
	}
	for i := range edges {
		edges[i].hour = free[edges[i].hour]
	}
}

// The hours of the week: six on Monday, Tuesday, Thursday and Friday, four on
// Wednesday, whose afternoon is free.
const tuesdayFirst = 6

func dayOf(hour int) time.Weekday {
	switch {
	case hour < 6:
		return time.Monday
	case hour < 12:
		return time.Tuesday
	case hour < 16:
		return time.Wednesday
	case hour < 22:
		return time.Thursday
	}
	return time.Friday
}

func rankOf(hour int) int {
	if hour >= 16 {
		return (hour - 16) % 6
	}
	return hour % 6
}

// bells are the beginnings of the lessons of a day, in minutes after midnight. A
// lesson lasts 55 minutes.
func bells() []int {
	return []int{8*60 + 5, 9*60 + 5, 10*60 + 15, 11*60 + 15, 13*60 + 30, 14*60 + 30}
}

// repeat makes the sittings of all weeks, by their beginning.
func (m *maker) repeat(week []meeting) {
	slices.SortStableFunc(week, func(a, b meeting) int { return a.hour - b.hour })
	y, mo, d := m.town.Tuesday.Date()
	for w := range m.opts.Weeks {
		for i, x := range week {
			minutes := bells()[rankOf(x.hour)]
			starts := time.Date(y, mo, d-2+int(dayOf(x.hour))+7*w, 0, minutes, 0, 0, m.loc)
			if _, closed := timetable.ClosedOn(m.town.Closures, timetable.Day(starts, m.loc)); closed {
				continue
			}
			s := timetable.Sitting{
				School: m.town.School.ID, ID: m.id("sitting"), Kind: x.kind, Label: x.label, ShortLabel: timetable.ShortLabel(x.label),
				Room: x.room, Source: timetable.Fictional, SourceKey: fmt.Sprintf("%d/%d", w, i),
				Groups: []string{x.group}, Staff: []timetable.Charge{{Person: x.staff}},
			}
			s.At(starts, starts.Add(55*time.Minute), m.loc)
			if x.hour == tuesdayFirst && w == 0 && x.group == m.town.Cast.Class {
				m.town.Cast.Sitting = s.ID
			}
			m.town.Sittings = append(m.town.Sittings, s)
		}
	}
}

func sortedKeys(of map[string][]string) []string {
	keys := make([]string, 0, len(of))
	for k := range of {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
