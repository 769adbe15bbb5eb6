package oneroster

import (
	"context"
	"errors"
	"hash/maphash"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
	"github.com/preau-ent/preau/internal/directory/internal/table"
)

const (
	maxID      = 255 // characters of a sourcedId
	maxAgents  = 200 // identifiers of one cell
	maxListed  = 1_000
	usersFile  = "users"
	rolesFile  = "roles"
	orgsFile   = "orgs"
	classFile  = "classes"
	enrolFile  = "enrollments"
	birthsFile = "demographics"
	manifest   = "manifest"
)

// Is says whether a set of files is a OneRoster export, by what they hold: a manifest
// with a version, or users whose header has the sourcedIds of the specification.
func Is(sheets []Sheet) bool {
	for _, s := range sheets {
		header, first := head(s)
		switch base(s.Path) {
		case manifest:
			if len(header) >= 2 && strings.EqualFold(strings.TrimSpace(header[0]), "propertyName") {
				return true
			}
		default:
			c, err := table.Match(header, []string{"sourcedId", "givenName", "familyName", "agentSourcedIds"}, nil)
			if err == nil && c.Has("sourcedId") && c.Has("familyName") && len(first) > 0 {
				return true
			}
		}
	}
	return false
}

func head(s Sheet) (header, first []string) {
	src, err := s.Open()
	if err != nil {
		return nil, nil
	}
	defer src.Close()
	c, err := table.OpenCSV(src, table.Options{Ragged: true})
	if err != nil {
		return nil, nil
	}
	first, _, _ = c.Next()
	return c.Header(), first
}

// Read reads the files of one roster. The refusals come sorted by file and line. An
// error is a failure of the machine, never of what the files say; then the export is
// nil.
func Read(ctx context.Context, sheets []Sheet, o Options) (*Export, []intake.Refusal, error) {
	r := &reading{
		ctx: ctx, o: o, out: &Export{heldBack: map[string]bool{}}, files: map[string]Sheet{},
		orgs: map[string]*org{}, users: map[string]*user{}, classes: map[string]*class{},
		seen: map[string]map[string]seenRow{}, seed: maphash.MakeSeed(),
	}
	for _, s := range sheets {
		if !strings.EqualFold(path.Ext(s.Path), ".csv") {
			r.out.Ignored = append(r.out.Ignored, s.Path)
			continue
		}
		name := base(s.Path)
		if _, twice := r.files[name]; twice && slices.Contains(ours, name) {
			r.stop(s.Path, 0, whyTwoFiles, name)
		}
		r.files[name] = s
	}
	if err := r.all(); err != nil {
		return nil, nil, err
	}
	r.out.allHeldBack = r.nothing
	slices.Sort(r.out.Ignored)
	return r.out, r.sorted(), nil
}

// ours are the files that we read, in the order in which we do.
var ours = []string{manifest, orgsFile, usersFile, rolesFile, birthsFile, classFile, enrolFile}

// base is the name of a file as the manifest has it.
func base(p string) string {
	p = strings.ReplaceAll(p, `\`, "/")
	return strings.ToLower(strings.TrimSuffix(strings.ToLower(path.Base(p)), ".csv"))
}

// reading is the state of one Read.
type reading struct {
	ctx   context.Context
	o     Options
	out   *Export
	files map[string]Sheet
	mode  map[string]string // of a file: absent, bulk

	orgs    map[string]*org
	users   map[string]*user
	classes map[string]*class
	order   []string // of the users, as read
	seen    map[string]map[string]seenRow
	seed    maphash.Seed

	refusals       []intake.Refusal
	more, moreSaid int
	nothing        bool // can be taken
}

type org struct {
	key, name, kind, identifier, parent string
	file                                string
	line                                int
}

type role struct {
	name     string // in lower case
	org      string
	from, to string
}

type user struct {
	Person
	roles  []role
	agents []string
	gone   bool // tobedeleted or inactive
}

type class struct {
	key, title, code, school string
	homeroom                 bool
	pupils, teachers         map[string]Member
}

type seenRow struct {
	line int
	row  uint64
}

func (r *reading) all() error {
	if err := r.theManifest(); err != nil || r.nothing {
		return err
	}
	for _, step := range []func() error{r.readOrgs, r.readUsers, r.readRoles, r.readBirths, r.readClasses, r.readEnrolments} {
		if err := step(); err != nil {
			return err
		}
	}
	if r.nothing {
		r.orgs, r.users, r.classes = nil, nil, nil
	}
	r.build()
	return nil
}

// rows reads one of our files, row by row. What it says wrong is in the refusals.
func (r *reading) rows(name string, known []string, need []string, aliases map[string]string, take func(get func(string) string, line int)) error {
	s, there := r.files[name]
	if r.mode[name] == "absent" || !there {
		return nil
	}
	src, err := s.Open()
	switch {
	case errors.Is(err, os.ErrNotExist):
		r.stop(s.Path, 0, whyMissingFile)
		return nil
	case errors.Is(err, os.ErrPermission):
		r.stop(s.Path, 0, whyForbidden)
		return nil
	case err != nil:
		return err
	}
	defer src.Close()
	file := File{Name: name}
	err = r.table(src, s.Path, &file, known, need, aliases, take)
	var stopped *intake.Stop
	if errors.As(err, &stopped) {
		r.stop(s.Path, stopped.Line, stopped.Reason, stopped.Args...)
		return nil
	}
	r.out.Files = append(r.out.Files, file)
	return err
}

func (r *reading) table(src io.Reader, path string, file *File, known, need []string, aliases map[string]string, take func(get func(string) string, line int)) error {
	c, err := table.OpenCSV(src, table.Options{})
	if err != nil {
		return err
	}
	columns, err := table.Match(c.Header(), known, aliases)
	if err != nil {
		return err
	}
	if err := columns.Need(c.Header(), need...); err != nil {
		return err
	}
	file.Unknown = columns.Unknown
	for _, s := range columns.Spelled {
		r.say(path, 1, saySpelled, s.Written, s.Taken)
	}
	for {
		cells, line, err := c.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if file.Rows%1000 == 0 {
			if err := r.ctx.Err(); err != nil {
				return err
			}
		}
		file.Rows++
		take(func(column string) string { return columns.Of(cells, column) }, line)
	}
}

// id reads the sourcedId of a row and looks whether the row counts: not twice, not to
// be deleted. What is wrong with it is refused for everybody: who is in it cannot be
// told.
func (r *reading) id(name string, get func(string) string, line int, columns []string) (id string, active, ok bool) {
	path := r.files[name].Path
	id = get("sourcedId")
	if !r.goodID(path, line, id) {
		return "", false, false
	}
	switch status := strings.ToLower(get("status")); status {
	case "", "active":
		active = true
	case "tobedeleted", "inactive":
	default:
		r.refuse(path, line, nil, whyStatus, intake.Shorten(status))
		return "", false, false
	}
	var row maphash.Hash
	row.SetSeed(r.seed)
	for _, c := range columns {
		row.WriteString(get(c))
		row.WriteByte(0)
	}
	if r.seen[name] == nil {
		r.seen[name] = map[string]seenRow{}
	}
	if before, again := r.seen[name][id]; again {
		if before.row != row.Sum64() {
			r.refuse(path, line, nil, whyTwice, intake.Shorten(id), before.line)
		}
		return "", false, false
	}
	r.seen[name][id] = seenRow{line, row.Sum64()}
	if !active {
		r.out.LeftOut++
	}
	return id, active, true
}

func (r *reading) goodID(path string, line int, id string) bool {
	switch {
	case id == "":
		r.refuse(path, line, nil, whyNoID)
		return false
	case len(id) > maxID:
		r.refuse(path, line, nil, whyLongID, intake.Shorten(id), maxID)
		return false
	}
	return true
}

// list takes a cell of identifiers apart.
func (r *reading) list(path string, line int, cell string) []string {
	var out []string
	for id := range strings.SplitSeq(cell, ",") {
		id = strings.TrimSpace(id)
		if id == "" || slices.Contains(out, id) {
			continue
		}
		if len(out) == maxAgents {
			r.refuse(path, line, nil, whyTooManyIDs, maxAgents)
			return nil
		}
		out = append(out, id)
	}
	return out
}

// stop refuses everything because of a file.
func (r *reading) stop(path string, line int, why intake.Reason, args ...any) {
	r.refuse(path, line, nil, why, args...)
}

// nobody is held back by a pupil who is in no school.
var nobody = []string{}

// refuse says what is not taken, and which schools that holds back; nil: all.
func (r *reading) refuse(path string, line int, schools []string, why intake.Reason, args ...any) {
	for _, s := range schools {
		r.out.heldBack[s] = true
	}
	if schools == nil {
		r.nothing = true
	}
	if len(r.refusals) >= maxListed {
		r.more++
		return
	}
	r.refusals = append(r.refusals, intake.Refusal{File: path, Line: line, Reason: why.Text(r.o.English, args...), HoldsBackAll: schools == nil, Schools: schools})
}

// say writes down what somebody should look at.
func (r *reading) say(path string, line int, what intake.Reason, args ...any) {
	if len(r.out.Remarks) >= maxListed {
		r.moreSaid++
		return
	}
	r.out.Remarks = append(r.out.Remarks, intake.Refusal{File: path, Line: line, Reason: what.Text(r.o.English, args...)})
}

func (r *reading) sorted() []intake.Refusal {
	byPlace := func(a, b intake.Refusal) int {
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		return a.Line - b.Line
	}
	slices.SortStableFunc(r.refusals, byPlace)
	slices.SortStableFunc(r.out.Remarks, byPlace)
	if r.more > 0 {
		r.refusals = append(r.refusals, intake.Refusal{Reason: whyMore.Text(r.o.English, r.more)})
	}
	if r.moreSaid > 0 {
		r.out.Remarks = append(r.out.Remarks, intake.Refusal{Reason: sayMore.Text(r.o.English, r.moreSaid)})
	}
	return r.refusals
}
