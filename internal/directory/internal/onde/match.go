package onde

import (
	"slices"
	"strings"
)

// finder finds pupils by what guardians' rows say of children.
type finder struct {
	pupils []Pupil
	byName map[string][]int // name and first name, folded
}

func (r *reading) finder() *finder {
	f := &finder{pupils: r.out.Pupils, byName: map[string][]int{}}
	for i, p := range f.pupils {
		names := []string{join(p.Last, p.First)}
		if p.Usual != "" && !same(p.Usual, p.Last) {
			names = append(names, join(p.Usual, p.First))
		}
		for _, n := range names {
			if !strings.HasPrefix(n, "|") {
				f.byName[n] = append(f.byName[n], i)
			}
		}
	}
	return f
}

// match says whom a child is. Sure: name, first name and class are those of exactly one
// pupil, and of no other by that name. Everything less is a doubt.
func (f *finder) match(c *Child) {
	var by []int
	for _, last := range []string{c.Last, c.Usual} {
		if last == "" {
			continue
		}
		for _, i := range f.byName[join(last, c.First)] {
			if !slices.Contains(by, i) {
				by = append(by, i)
			}
		}
	}
	var inClass []int
	for _, i := range by {
		if slices.ContainsFunc(f.pupils[i].Classes, func(class string) bool { return sameClass(class, c.Class) }) {
			inClass = append(inClass, i)
		}
	}
	if len(inClass) == 1 && c.First != "" {
		c.Pupil = f.pupils[inClass[0]].Key
		return
	}
	if len(inClass) > 1 {
		by = inClass
	}
	for _, i := range by {
		c.Perhaps = append(c.Perhaps, f.pupils[i].Key)
	}
	slices.Sort(c.Perhaps)
}

// sameClass compares a class with those that a row names, which may be several.
func sameClass(class, named string) bool {
	if class == "" || named == "" {
		return false
	}
	if same(class, named) {
		return true
	}
	for _, part := range strings.FieldsFunc(named, func(r rune) bool { return r == ',' || r == '/' || r == '+' }) {
		if same(class, part) {
			return true
		}
	}
	return false
}

// guardian reads a row. A ragged row is tried a column to the left and to the right from
// where a telephone extension may stand: the shift at which most children are surely
// pupils of the school is that of the row.
func (f *finder) guardian(row guardianRow) Guardian {
	best, most := f.shifted(row, 0)
	if most == 0 {
		for _, by := range []int{-1, 1} {
			if g, sure := f.shifted(row, by); sure > most {
				best, most = g, sure
			}
		}
	}
	return best
}

func (f *finder) shifted(row guardianRow, by int) (Guardian, int) {
	c := row.cols
	// Where the shift begins: at the extension, or where it would be.
	from := c.ext
	if from < 0 {
		from = column(c.header, mobilePhone)
	}
	of := func(names []string) string {
		i := column(c.header, names)
		if i >= from && from >= 0 && i >= 0 {
			i += by
		}
		return at(row.fields, i)
	}
	g := Guardian{Title: of(guardianTitle), Last: of(guardianLast), Usual: of(guardianUsual), First: of(guardianFirst),
		Email: of(email), Home: of(homePhone), Work: of(workPhone), Mobile: of(mobilePhone), File: row.file, Line: row.line}
	// Until all rows are read: what orders people of one name, whatever the order of rows.
	g.Key = strings.Join(row.fields, "\x1f")
	sure := 0
	for start := c.group + by; c.width > 0 && start < len(row.fields); start += c.width {
		part := func(i int) string {
			if i < 0 {
				return ""
			}
			return at(row.fields, start+i)
		}
		child := Child{Usual: part(c.usual), Last: part(c.last), First: part(c.first), Class: part(c.class), Line: row.line}
		if child.Usual+child.Last+child.First == "" {
			continue
		}
		child.Raw = strings.Join([]string{child.Usual, child.Last, child.First, child.Class}, ";")
		f.match(&child)
		if child.Pupil != "" {
			sure++
		}
		g.Children = append(g.Children, child)
	}
	return g, sure
}
