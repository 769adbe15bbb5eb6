package onde

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
)

const (
	maxValue = 4096
	maxRows  = 200_000
)

// Options of ReadFiles.
type Options struct{ English bool }

type reading struct {
	ctx      context.Context
	opts     Options
	out      *Export
	of       map[kind]string // paths
	keys     map[string]int  // of pupils, their places
	rows     []guardianRow
	refusals []intake.Refusal
}

// guardianRow waits until all pupils are known.
type guardianRow struct {
	file   string
	line   int
	fields []string
	cols   *columns
}

// ReadFiles reads the files that were found: those of one school. Every refusal holds
// the school back. An error is a failure of the machine.
func ReadFiles(ctx context.Context, found *intake.Found, opts Options) (*Export, []intake.Refusal, error) {
	r := &reading{ctx: ctx, opts: opts, out: &Export{Aside: map[string]int{}}, of: map[kind]string{}, keys: map[string]int{}, refusals: found.Refusals}
	for _, file := range found.Files {
		if !file.Named && file.FirstRow() == nil {
			r.out.Ignored = append(r.out.Ignored, file.Path)
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		err := r.file(file)
		var stopped *intake.Stop
		switch {
		case errors.As(err, &stopped):
			r.refusals = append(r.refusals, stopped.Refusal(file.Path, opts.English))
		case err != nil:
			return nil, nil, err
		}
	}
	if r.of[pupilsTable] == "" && len(r.refusals) == 0 {
		at := r.of[guardiansTable]
		if at == "" {
			at = r.of[teachersTable]
		}
		if at == "" && len(r.out.Ignored) > 0 {
			at = filepath.Dir(r.out.Ignored[0])
		}
		r.refusals = append(r.refusals, (&intake.Stop{Reason: whyNoPupils}).Refusal(at, opts.English))
	}
	if len(r.refusals) > 0 {
		slices.SortStableFunc(r.refusals, func(a, b intake.Refusal) int {
			if c := strings.Compare(a.File, b.File); c != 0 {
				return c
			}
			return a.Line - b.Line
		})
		return &Export{Files: r.out.Files, Ignored: r.out.Ignored}, r.refusals, nil
	}
	slices.SortFunc(r.out.Pupils, func(a, b Pupil) int { return strings.Compare(a.Key, b.Key) })
	slices.SortFunc(r.out.Teachers, func(a, b Teacher) int { return strings.Compare(a.Key, b.Key) })
	r.guardians()
	return r.out, nil, nil
}

// columns says where what is; -1: nowhere.
type columns struct {
	header []string
	ext    int // of Numéro de poste
	group  int // where the first child begins
	width  int // of one child
	usual  int // within a child
	last   int
	first  int
	class  int
}

func column(header []string, names []string) int {
	return slices.IndexFunc(header, func(h string) bool { return slices.Contains(names, h) })
}

// at reads a column of a row; a ragged row has nothing there.
func at(row []string, i int) string {
	if i < 0 || i >= len(row) {
		return ""
	}
	return strings.Join(strings.Fields(row[i]), " ")
}

func (r *reading) file(source intake.File) error {
	t, err := intake.OpenTable(source)
	if err != nil {
		return err
	}
	defer t.Close()
	first, err := t.Row()
	if err == io.EOF {
		return t.Stop(whyNothing)
	}
	if err != nil {
		return err
	}
	header := make([]string, len(first))
	for i, h := range first {
		header[i] = intake.Fold(h)
	}
	k := kindOf(header)
	if k == 0 {
		return t.Stop(whyHeader)
	}
	if other := r.of[k]; other != "" {
		return t.Stop(whyTwoTables, other)
	}
	r.of[k] = source.Path
	cols := layout(header)
	file := File{Path: source.Path, Encoding: t.Encoding}
	short := false
	for {
		row, err := t.Row()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if blank(row) {
			continue
		}
		if file.Rows++; file.Rows > maxRows {
			return t.Stop(whyRows, maxRows)
		}
		if slices.ContainsFunc(row, func(v string) bool { return len(v) > maxValue }) {
			return t.Stop(whyLong, maxValue)
		}
		short = len(row) < min(len(header), 12)
		switch k {
		case pupilsTable:
			err = r.pupil(t, header, row)
		case guardiansTable:
			r.rows = append(r.rows, guardianRow{source.Path, t.Line, row, cols})
		case teachersTable:
			r.teacher(header, row)
		}
		if err != nil {
			return err
		}
	}
	switch {
	case file.Rows == 0:
		return t.Stop(whyNothing)
	case !t.Whole && short:
		return t.Stop(whyTruncated)
	}
	for _, h := range header {
		if !known(h) {
			r.out.Aside[h] += file.Rows
		}
	}
	r.out.Files = append(r.out.Files, file)
	return nil
}

// known says whether a column is of use.
func known(h string) bool {
	for _, names := range [][]string{pupilLast, pupilUsual, pupilFirst, pupilBorn, pupilINE, classNames, guardianLast, guardianUsual, guardianFirst, guardianTitle,
		email, homePhone, workPhone, mobilePhone, childUsual, childLast, childFirst, childClass, {"nom", "prenom", "nom usage", "directeur"}} {
		if slices.Contains(names, h) {
			return true
		}
	}
	return false
}

func blank(row []string) bool {
	return !slices.ContainsFunc(row, func(v string) bool { return strings.TrimSpace(v) != "" })
}

// layout finds the children's columns: a group that repeats, read by position, for the
// header says the same names again and again and rows may go on beyond it.
func layout(header []string) *columns {
	c := &columns{header: header, ext: column(header, extension)}
	of := func(names []string) int { return column(header, names) }
	usual, last, first, class := of(childUsual), of(childLast), of(childFirst), of(childClass)
	c.group = len(header)
	for _, i := range []int{usual, last, first, class} {
		if i >= 0 {
			c.group = min(c.group, i)
		}
	}
	c.width = 0
	if c.group < len(header) {
		again := slices.Index(header[c.group+1:], header[c.group])
		if c.width = again + 1; again < 0 {
			c.width = len(header) - c.group
		}
	}
	rel := func(i int) int {
		if i < 0 {
			return -1
		}
		return i - c.group
	}
	c.usual, c.last, c.first, c.class = rel(usual), rel(last), rel(first), rel(class)
	return c
}

func (r *reading) pupil(t *intake.Table, header, row []string) error {
	of := func(names []string) string { return at(row, column(header, names)) }
	p := Pupil{Last: of(pupilLast), Usual: of(pupilUsual), First: of(pupilFirst), Line: t.Line}
	if p.Last == "" && p.Usual == "" {
		return t.Stop(whyNoName)
	}
	if born := of(pupilBorn); born != "" {
		day, ok := readDate(born)
		if !ok {
			return t.Stop(whyDate, intake.Shorten(born))
		}
		p.Born = day
	}
	if p.Key = strings.ToUpper(of(pupilINE)); p.Key == "" {
		p.Key = join(p.Last, p.Usual, p.First, p.Born)
	}
	if class := of(classNames); class != "" {
		p.Classes = []string{class}
	}
	if i, again := r.keys[p.Key]; again {
		other := &r.out.Pupils[i]
		if !same(other.Last, p.Last) || !same(other.First, p.First) {
			return t.Stop(whyTwins, intake.Shorten(p.Key), other.Line)
		}
		for _, c := range p.Classes {
			if !slices.Contains(other.Classes, c) {
				other.Classes = append(other.Classes, c)
			}
		}
		return nil
	}
	r.keys[p.Key] = len(r.out.Pupils)
	r.out.Pupils = append(r.out.Pupils, p)
	return nil
}

func readDate(s string) (string, bool) {
	for _, form := range []string{time.DateOnly, "02/01/2006"} {
		if d, err := time.Parse(form, s); err == nil {
			return d.Format(time.DateOnly), true
		}
	}
	return "", false
}

func (r *reading) teacher(header, row []string) {
	of := func(names ...string) string { return at(row, column(header, names)) }
	t := Teacher{Title: of("civilite"), Last: of("nom"), Usual: of("nom usage", "nom d usage"), First: of("prenom"), Email: of(email...), Class: of(classNames...), Head: same(of("directeur"), "oui")}
	t.Key = join(t.Last, t.Usual, t.First)
	if t.Last == "" && t.Usual == "" || slices.ContainsFunc(r.out.Teachers, func(o Teacher) bool { return o.Key == t.Key }) {
		return
	}
	r.out.Teachers = append(r.out.Teachers, t)
}

// guardians makes people of the rows. The same row twice is one person; two rows of one
// name are two people, for nothing says that they are one.
func (r *reading) guardians() {
	find := r.finder()
	seenRow := map[string]bool{}
	var people []Guardian
	for _, row := range r.rows {
		if id := strings.Join(row.fields, "\x1f"); !seenRow[id] {
			seenRow[id] = true
			people = append(people, find.guardian(row))
		}
	}
	slices.SortFunc(people, func(a, b Guardian) int { return strings.Compare(a.Key, b.Key) })
	// The key is the name and the youngest child who surely is one: a name alone would
	// take next year's namesake for this year's guardian, with everything that was
	// decided about that one.
	born := map[string]string{}
	for _, p := range r.out.Pupils {
		born[p.Key] = p.Born
	}
	keys := map[string]int{}
	for i := range people {
		p, youngest := &people[i], ""
		for _, c := range p.Children {
			if c.Pupil != "" && (youngest == "" || born[c.Pupil]+c.Pupil > born[youngest]+youngest) {
				youngest = c.Pupil
			}
		}
		p.Key = join(p.Title, p.Last, p.Usual, p.First) + "#" + youngest
		keys[p.Key]++
	}
	// Two rows of one name around one child cannot be told apart the next time: neither
	// is joined to anybody.
	nth := map[string]int{}
	for i := range people {
		p := &people[i]
		if keys[p.Key] == 1 {
			continue
		}
		for j := range p.Children {
			if c := &p.Children[j]; c.Pupil != "" {
				c.Pupil, c.Perhaps = "", []string{c.Pupil}
			}
		}
		nth[p.Key]++
		p.Key += "#" + strconv.Itoa(nth[p.Key])
	}
	slices.SortFunc(people, func(a, b Guardian) int { return strings.Compare(a.Key, b.Key) })
	r.out.Adults = people
}
