package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
)

// Refusals of opening and changing other people's accounts. What is of another school
// is ErrNone or directory.ErrNotFound.
var (
	ErrRole     = page.Invalid("role", "account.people.role.wrong")
	ErrNotYours = page.Forbidden("account.people.notyours")
	ErrOwn      = page.Conflict("account.people.own")
	ErrHas      = page.Conflict("account.people.has")
	ErrGone     = page.Conflict("account.people.gone")
	ErrNoChild  = page.Conflict("account.people.nochild")
)

// Desk is who opens and changes accounts of a school, and when. Each change takes the
// school's transaction (database.InSchool) and writes its line in the journal there.
type Desk struct {
	Journal *journal.Journal
	By      string // account
	Role    page.Role
	Now     time.Time
}

// rolesFor lists the roles that a person of a kind may have an account in.
func rolesFor(k directory.Kind) []page.Role {
	switch k {
	case directory.KindStaff:
		return []page.Role{page.Head, page.CPE, page.Secretary, page.Supervisor, page.Nurse, page.Teacher}
	case directory.KindPupil:
		return []page.Role{page.Pupil}
	case directory.KindAdult:
		return []page.Role{page.Guardian}
	}
	return nil
}

// mayOpen lists the roles in which somebody in role by may open an account for a person
// of a kind.
func mayOpen(by page.Role, k directory.Kind) []page.Role {
	return slices.DeleteFunc(rolesFor(k), func(r page.Role) bool { return !mayIssueCode(by, r) })
}

func (d Desk) note(ctx context.Context, tx database.Tx, a Account, act string, detail map[string]string) error {
	return d.Journal.Append(ctx, tx, a.School, d.Now, journal.Deed{Act: "account." + act, Actor: d.By, Subject: a.ID, Detail: detail})
}

// Open opens an account for a person of a school in a role, held from today on, and makes
// its one-time code: see OpenFor.
func (d Desk) Open(ctx context.Context, tx database.Tx, s directory.School, person string, role page.Role) (Account, string, error) {
	day, err := dayIn(s, d.Now)
	if err != nil {
		return Account{}, "", err
	}
	return d.OpenFor(ctx, tx, s, person, role, Period{From: day})
}

// OpenFor opens an account for a person of a school in a role and makes its one-time code,
// to be printed. Pressed twice, it is one account, and the last code counts. ErrRole,
// ErrNotYours, ErrGone, ErrClosed; ErrHas when the person has chosen a password: a new
// letter for that account is asked for by name; ErrNoChild for an adult who may be told
// about nobody; ErrFrom, ErrUntil. The roles of pupils and guardians have no period.
func (d Desk) OpenFor(ctx context.Context, tx database.Tx, s directory.School, person string, role page.Role, during Period) (Account, string, error) {
	p, err := directory.PersonByID(ctx, tx, s.ID, person)
	if err != nil {
		return Account{}, "", err
	}
	day, err := dayIn(s, d.Now)
	if err != nil {
		return Account{}, "", err
	}
	switch {
	case !slices.Contains(rolesFor(p.Kind), role):
		return Account{}, "", ErrRole
	case !mayIssueCode(d.Role, role):
		return Account{}, "", ErrNotYours
	case p.LeftOn != "" && p.LeftOn <= day:
		return Account{}, "", ErrGone
	}
	if role == page.Guardian {
		children, err := directory.Children(ctx, tx, s.ID, person, day)
		if err != nil {
			return Account{}, "", err
		}
		if len(children) == 0 {
			return Account{}, "", ErrNoChild
		}
	}
	if !given(role) {
		during = Period{}
	} else if err := during.check(); err != nil {
		return Account{}, "", err
	}
	return d.open(ctx, tx, s, person, role, during)
}

// open makes the account, or finds it, and issues its code.
func (d Desk) open(ctx context.Context, tx database.Tx, s directory.School, person string, role page.Role, during Period) (Account, string, error) {
	a, err := Create(ctx, tx, Account{School: s.ID, Person: person, Role: role, CreatedAt: d.Now, FromOn: during.From, UntilOn: during.Until})
	switch {
	case errors.Is(err, ErrTaken):
		if a, err = account(tx.NewSelect().Where("a.school = ? AND a.person = ? AND a.role = ?", s.ID, person, role), ctx); err != nil {
			return Account{}, "", err
		}
		if a.Password != "" {
			return Account{}, "", ErrHas
		}
		if given(role) {
			if err := d.setPeriod(ctx, tx, s, a, during); err != nil {
				return Account{}, "", err
			}
			a.FromOn, a.UntilOn = during.From, during.Until
		}
	case err != nil:
		return Account{}, "", err
	default:
		if err := d.note(ctx, tx, a, "opened", openedDetail(person, role, during)); err != nil {
			return Account{}, "", err
		}
	}
	code, err := IssueCode(ctx, tx, d.Now, a.ID)
	if errors.Is(err, ErrDisabled) {
		return Account{}, "", ErrClosed
	}
	if err != nil {
		return Account{}, "", err
	}
	a.CodeExpiresAt = d.Now.Add(CodeLife)
	return a, code, d.note(ctx, tx, a, "code", nil)
}

// openedDetail is what the journal keeps of an account that was opened.
func openedDetail(person string, role page.Role, during Period) map[string]string {
	detail := map[string]string{"person": person, "role": string(role)}
	if during.From != "" {
		detail["from"] = during.From
	}
	if during.Until != "" {
		detail["until"] = during.Until
	}
	return detail
}

// mine reads an account of a school that the desk may change: never one's own, never
// one of a role for which one may not issue codes.
func (d Desk) mine(ctx context.Context, tx database.Tx, school, id string) (Account, error) {
	a, err := ByID(ctx, tx, id)
	switch {
	case err != nil:
		return Account{}, err
	case school == "" || a.School != school:
		return Account{}, ErrNone
	case a.ID == d.By:
		return Account{}, ErrOwn
	case !mayIssueCode(d.Role, a.Role):
		return Account{}, ErrNotYours
	}
	return a, nil
}

// Close closes an account and ends its sessions; Reopen opens it again.
func (d Desk) Close(ctx context.Context, tx database.Tx, school, id string) error {
	a, err := d.mine(ctx, tx, school, id)
	if err != nil || !a.DisabledAt.IsZero() {
		return err
	}
	if err := disable(ctx, tx, d.Now, id); err != nil {
		return err
	}
	return d.note(ctx, tx, a, "closed", nil)
}

// Reopen opens a closed account again, with the password that it had.
func (d Desk) Reopen(ctx context.Context, tx database.Tx, school, id string) error {
	a, err := d.mine(ctx, tx, school, id)
	if err != nil || a.DisabledAt.IsZero() {
		return err
	}
	if err := enable(ctx, tx, id); err != nil {
		return err
	}
	return d.note(ctx, tx, a, "reopened", nil)
}

// ChangeRole gives an account of a member of staff another role. It holds from the next
// request on. ErrRole; ErrNotYours when either role is not one's own to give; ErrHas
// when the person has an account in that role.
func (d Desk) ChangeRole(ctx context.Context, tx database.Tx, school, id string, role page.Role) error {
	a, err := d.mine(ctx, tx, school, id)
	if err != nil || a.Role == role {
		return err
	}
	p, err := directory.PersonByID(ctx, tx, school, a.Person)
	if err != nil {
		return err
	}
	switch {
	case !slices.Contains(rolesFor(p.Kind), role):
		return ErrRole
	case !mayIssueCode(d.Role, role):
		return ErrNotYours
	}
	has, err := tx.NewSelect().Model((*Account)(nil)).Where("a.school = ? AND a.person = ? AND a.role = ?", school, a.Person, role).Exists(ctx)
	if err != nil {
		return fmt.Errorf("account: %w", err)
	}
	if has {
		return ErrHas
	}
	_, err = tx.NewUpdate().Model((*Account)(nil)).Set("role = ?", role).Where("id = ? AND role = ?", id, a.Role).Exec(ctx)
	if err != nil {
		return fmt.Errorf("account: %w", err)
	}
	return d.note(ctx, tx, a, "role", map[string]string{"from": string(a.Role), "to": string(role)})
}

// State is how far somebody has come with an account.
type State string

// States.
const (
	StateNone   State = "none"
	StateNew    State = "new"    // opened, no code that is still good
	StateCode   State = "code"   // a letter is out
	StateReady  State = "ready"  // a password was chosen
	StateClosed State = "closed" // nobody gets in
	StateComing State = "coming" // the role begins later
	StateEnded  State = "ended"  // the role is over
)

// StateOn is the state of an account at a moment, on the school's day of it.
func (a Account) StateOn(now time.Time, day string) State {
	state := a.StateAt(now)
	switch {
	case state == StateNone || state == StateClosed || a.Held(day):
		return state
	case day < a.FromOn:
		return StateComing
	}
	return StateEnded
}

// StateAt is the state of an account at a moment.
func (a Account) StateAt(now time.Time) State {
	switch {
	case a.ID == "":
		return StateNone
	case !a.DisabledAt.IsZero():
		return StateClosed
	case a.Password != "":
		return StateReady
	case a.CodeHash != "" && now.Before(a.CodeExpiresAt):
		return StateCode
	}
	return StateNew
}

// holder is a person and the accounts that they have.
type holder struct {
	Person   directory.Person
	Accounts []Account
	Of       string // whose pupil: the class and names that a guardian's letter is handed to
}

// staffOf lists the staff of a school on a day, by name, with their accounts.
func staffOf(ctx context.Context, tx database.Tx, school, day string) ([]holder, error) {
	people, err := directory.Of(ctx, tx, school, directory.KindStaff, day)
	if err != nil {
		return nil, err
	}
	return holders(ctx, tx, school, people)
}

// ofClass lists the pupils of a class on a day and the adults who may be told about one
// of them, in the pupils' order, with their accounts.
func ofClass(ctx context.Context, tx database.Tx, school, class, day string) (pupils, guardians []holder, err error) {
	people, err := directory.GroupPupils(ctx, tx, school, []string{class}, day)
	if err != nil {
		return nil, nil, err
	}
	if pupils, err = holders(ctx, tx, school, people); err != nil {
		return nil, nil, err
	}
	ids := make([]string, len(people))
	for i, p := range people {
		ids[i] = p.ID
	}
	cases, err := directory.Cases(ctx, tx, school, ids)
	if err != nil {
		return nil, nil, err
	}
	at := map[string]int{}
	var adults []directory.Person
	var of []string
	for _, c := range cases {
		for _, s := range directory.Entitled(c, day) {
			if !s.Told || s.Person == c.Pupil.ID {
				continue
			}
			name := c.Pupil.FirstName + " " + c.Pupil.LastName
			if n, there := at[s.Person]; there {
				of[n] += ", " + name
				continue
			}
			at[s.Person] = len(adults)
			adults, of = append(adults, c.Adults[s.Person]), append(of, name)
		}
	}
	if guardians, err = holders(ctx, tx, school, adults); err != nil {
		return nil, nil, err
	}
	for i := range guardians {
		guardians[i].Of = of[i]
	}
	return pupils, guardians, nil
}

func holders(ctx context.Context, tx database.Tx, school string, people []directory.Person) ([]holder, error) {
	ids := make([]string, len(people))
	for i, p := range people {
		ids[i] = p.ID
	}
	of := map[string][]Account{}
	for part := range slices.Chunk(ids, 500) {
		all, err := OfPeople(ctx, tx, school, part...)
		if err != nil {
			return nil, err
		}
		for _, a := range all {
			of[a.Person] = append(of[a.Person], a)
		}
	}
	out := make([]holder, len(people))
	for i, p := range people {
		out[i] = holder{Person: p, Accounts: of[p.ID]}
	}
	return out, nil
}

// In is the account that somebody has in a role; the zero Account: none.
func (h holder) In(role page.Role) Account {
	for _, a := range h.Accounts {
		if a.Role == role {
			return a
		}
	}
	return Account{}
}

// schoolCount is a school as the operator sees it: counts, never a pupil or a guardian.
type schoolCount struct {
	School directory.School
	People map[directory.Kind]int
	Heads  int // accounts of heads that are not closed
	Ready  int // of these, with a password
	Open   int // accounts that are not closed, of every role
}

// countSchools lists the schools of the installation by name.
func countSchools(ctx context.Context, tx database.Tx, now time.Time) ([]schoolCount, error) {
	schools, err := directory.Schools(ctx, tx)
	if err != nil {
		return nil, err
	}
	people, err := directory.CountPeople(ctx, tx)
	if err != nil {
		return nil, err
	}
	var rows []struct {
		School             string
		Heads, Ready, Open int
	}
	err = tx.NewSelect().Model((*Account)(nil)).ColumnExpr("a.school AS school").
		ColumnExpr("count(*) AS open").
		ColumnExpr("sum(CASE WHEN a.role = ? AND (a.until_on = '' OR a.until_on >= ?) THEN 1 ELSE 0 END) AS heads", page.Head, now.UTC().Format(time.DateOnly)).
		ColumnExpr("sum(CASE WHEN a.role = ? AND (a.until_on = '' OR a.until_on >= ?) AND a.password <> '' THEN 1 ELSE 0 END) AS ready", page.Head, now.UTC().Format(time.DateOnly)).
		Where("a.school IS NOT NULL AND a.disabled_at IS NULL").GroupExpr("a.school").Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("account: %w", err)
	}
	out := make([]schoolCount, len(schools))
	for i, s := range schools {
		out[i] = schoolCount{School: s, People: people[s.ID]}
		for _, r := range rows {
			if r.School == s.ID {
				out[i].Heads, out[i].Ready, out[i].Open = r.Heads, r.Ready, r.Open
			}
		}
	}
	return out, nil
}

// dayIn is the school's own date at a moment.
func dayIn(s directory.School, at time.Time) (string, error) {
	loc, err := s.Location()
	if err != nil {
		return "", fmt.Errorf("account: school %s: %w", s.ID, err)
	}
	return at.In(loc).Format(time.DateOnly), nil
}
