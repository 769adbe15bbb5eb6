package account

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/page"
)

func TestCreate(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		schools(t, db)
		for _, c := range []struct {
			a    Account
			want string
		}{
			{Account{School: lycee, Person: "lea", Role: page.Pupil}, "lea.benali"},
			{Account{School: lycee, Person: "lea-2", Role: page.Pupil}, "lea.benali2"},
			{Account{School: lycee, Person: "lea-3", Role: page.Pupil}, "lea.benali3"},
			{Account{School: lycee, Person: "teacher", Role: page.Teacher}, "jean-noel.ndiaye"},
			{Account{School: lycee, Person: "teacher", Role: page.CPE}, "jean-noel.ndiaye2"}, // another role is another account
			{Account{School: lycee, Person: "head", Role: page.Head}, "zoe.oeuvrard"},
			{Account{School: college, Person: "tom", Role: page.Pupil}, "tom.payet"},
			{Account{Role: page.Operator, Identifier: " Exploitation "}, "exploitation"},
			{Account{School: lycee, Role: page.Secretary, Identifier: "accueil"}, "accueil"},
		} {
			got := create(t, db, c.a, "")
			if got.Identifier != c.want {
				t.Errorf("%s in role %s is %q, want %q", c.a.Person, c.a.Role, got.Identifier, c.want)
			}
			kept := read(t, db, func(ctx context.Context, tx database.Tx) (Account, error) { return ByID(ctx, tx, got.ID) })
			if !kept.CreatedAt.Equal(got.CreatedAt) {
				t.Errorf("created %v, kept %v", got.CreatedAt, kept.CreatedAt)
			}
			if kept.CreatedAt = got.CreatedAt; kept != got {
				t.Errorf("kept %+v, returned %+v", kept, got)
			}
			byName := read(t, db, func(ctx context.Context, tx database.Tx) (Account, error) { return byIdentifier(ctx, tx, c.want) })
			if byName.ID != got.ID {
				t.Errorf("%q finds another account", c.want)
			}
		}
		refuse := func(what string, a Account, want error) {
			t.Helper()
			a.CreatedAt = tuesday
			err := db.Write(t.Context(), func(ctx context.Context, tx database.Tx) error {
				_, err := Create(ctx, tx, a)
				if err == nil {
					return errors.New("it was created")
				}
				if _, after := byIdentifier(ctx, tx, "lea.benali"); after != nil {
					return after // the refusal must not have broken the transaction
				}
				return err
			})
			if want != nil && !errors.Is(err, want) || err == nil || err.Error() == "it was created" {
				t.Errorf("%s: %v, want %v", what, err, want)
			}
		}
		refuse("the same person in the same role", Account{School: lycee, Person: "lea", Role: page.Pupil}, ErrTaken)
		refuse("an identifier that is taken", Account{Role: page.Operator, Identifier: "Léa.Benali"}, ErrTaken)
		refuse("somebody of another school", Account{School: college, Person: "lea", Role: page.Pupil}, nil)
		refuse("an operator of a person", Account{Person: "lea", Role: page.Operator, Identifier: "x"}, nil)
		refuse("a head of no school", Account{Role: page.Head, Identifier: "y"}, nil)
		refuse("nobody without identifier", Account{School: lycee, Role: page.Secretary}, nil)

		of := read(t, db, func(ctx context.Context, tx database.Tx) ([]Account, error) {
			return OfPeople(ctx, tx, lycee, "teacher", "lea", "tom")
		})
		if len(of) != 3 || of[0].Role != page.CPE || of[1].Role != page.Pupil || of[2].Role != page.Teacher {
			t.Errorf("the accounts of two people of the school and one of another: %+v", of)
		}
		pupils := read(t, db, func(ctx context.Context, tx database.Tx) ([]Account, error) {
			return OfSchool(ctx, tx, lycee, page.Pupil)
		})
		if len(pupils) != 3 || pupils[0].Identifier != "lea.benali" {
			t.Errorf("the pupils' accounts of the school: %+v", pupils)
		}
		operators := read(t, db, func(ctx context.Context, tx database.Tx) ([]Account, error) {
			return OfSchool(ctx, tx, "", page.Operator)
		})
		if len(operators) != 1 || operators[0].Identifier != "exploitation" {
			t.Errorf("the operators' accounts: %+v", operators)
		}
		none := read(t, db, func(ctx context.Context, tx database.Tx) ([]Account, error) { return OfSchool(ctx, tx, "", page.Pupil) })
		if len(none) != 0 {
			t.Errorf("pupils of no school: %+v", none)
		}
	})
}

// Twenty namesakes at once: each gets an identifier, no two the same.
func TestCreateAtOnce(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		schools(t, db)
		var wg sync.WaitGroup
		got := make([]string, 3)
		for i, id := range []string{"lea", "lea-2", "lea-3"} {
			wg.Go(func() {
				err := db.Write(t.Context(), func(ctx context.Context, tx database.Tx) error {
					a, err := Create(ctx, tx, Account{School: lycee, Person: id, Role: page.Pupil, CreatedAt: tuesday})
					got[i] = a.Identifier
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got[0] == got[1] || got[1] == got[2] || got[0] == got[2] {
			t.Errorf("namesakes share an identifier: %q", got)
		}
	})
}

func TestCode(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		schools(t, db)
		lea := create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, "")
		issue := func(now time.Time) (code string) {
			write(t, db, func(ctx context.Context, tx database.Tx) (err error) {
				code, err = IssueCode(ctx, tx, now, lea.ID)
				return err
			})
			return code
		}
		by := func(now time.Time, code string) error {
			return db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
				a, err := byCode(ctx, tx, now, code)
				if err == nil && a.ID != lea.ID {
					t.Errorf("the code of another account: %s", a.ID)
				}
				return err
			})
		}
		use := func(now time.Time, code string) error {
			return db.Write(t.Context(), func(ctx context.Context, tx database.Tx) error {
				_, err := useCode(ctx, tx, now, code, HashPassword("un préau sous la pluie", cheap))
				return err
			})
		}
		first := issue(tuesday)
		second := issue(tuesday)
		if err := by(tuesday, first); !errors.Is(err, ErrCode) {
			t.Errorf("a replaced code: %v, want ErrCode", err)
		}
		if err := by(tuesday, second); err != nil {
			t.Errorf("the last code: %v", err)
		}
		if err := by(tuesday.Add(CodeLife-time.Second), second); err != nil {
			t.Errorf("a code on its last day: %v", err)
		}
		for _, late := range []time.Duration{CodeLife, CodeLife + time.Hour} {
			if err := use(tuesday.Add(late), second); !errors.Is(err, ErrCode) {
				t.Errorf("a code after %v: %v, want ErrCode", late, err)
			}
		}
		for _, none := range []string{"", newCode(), "0000-0000-0000-0000", "%"} {
			if err := by(tuesday, none); !errors.Is(err, ErrCode) {
				t.Errorf("code %q: %v, want ErrCode", none, err)
			}
		}
		kept := read(t, db, func(ctx context.Context, tx database.Tx) (Account, error) { return ByID(ctx, tx, lea.ID) })
		bare, _ := readCode(second)
		if kept.CodeHash != codeHash(bare) || kept.CodeHash == bare {
			t.Error("the code itself is kept, and not its digest")
		}
		if err := use(tuesday, second); err != nil {
			t.Fatal(err)
		}
		if err := use(tuesday, second); !errors.Is(err, ErrCode) {
			t.Errorf("a code used twice: %v, want ErrCode", err)
		}
		kept = read(t, db, func(ctx context.Context, tx database.Tx) (Account, error) { return ByID(ctx, tx, lea.ID) })
		if ok, err := kept.Password.check("un préau sous la pluie"); err != nil || !ok {
			t.Errorf("the chosen password is not kept: %v, %v", ok, err)
		}

		third := issue(tuesday)
		write(t, db, func(ctx context.Context, tx database.Tx) error { return disable(ctx, tx, tuesday, lea.ID) })
		if err := by(tuesday, third); !errors.Is(err, ErrCode) {
			t.Errorf("the code of a closed account: %v, want ErrCode", err)
		}
		err := db.Write(t.Context(), func(ctx context.Context, tx database.Tx) error {
			_, err := IssueCode(ctx, tx, tuesday, lea.ID)
			return err
		})
		if !errors.Is(err, ErrDisabled) {
			t.Errorf("a code for a closed account: %v, want ErrDisabled", err)
		}
		err = db.Write(t.Context(), func(ctx context.Context, tx database.Tx) error {
			_, err := IssueCode(ctx, tx, tuesday, "nobody")
			return err
		})
		if !errors.Is(err, ErrNone) {
			t.Errorf("a code for nobody: %v, want ErrNone", err)
		}
	})
}

// Two people type one code at the same moment: one of them chooses the password.
func TestCodeAtOnce(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		schools(t, db)
		lea := create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, "")
		for range 10 {
			var code string
			write(t, db, func(ctx context.Context, tx database.Tx) (err error) {
				code, err = IssueCode(ctx, tx, tuesday, lea.ID)
				return err
			})
			const people = 4
			var wg sync.WaitGroup
			start := make(chan struct{})
			errs := make([]error, people)
			hashes := make([]Hash, people)
			for i := range people {
				hashes[i] = HashPassword("un préau sous la pluie", cheap)
				wg.Go(func() {
					<-start
					errs[i] = db.Write(t.Context(), func(ctx context.Context, tx database.Tx) error {
						_, err := useCode(ctx, tx, tuesday, code, hashes[i])
						return err
					})
				})
			}
			close(start)
			wg.Wait()
			winners := 0
			var won Hash
			for i, err := range errs {
				switch {
				case err == nil:
					winners++
					won = hashes[i]
				case !errors.Is(err, ErrCode):
					t.Errorf("a loser gets %v, want ErrCode", err)
				}
			}
			if winners != 1 {
				t.Fatalf("%d people used one code, want 1", winners)
			}
			kept := read(t, db, func(ctx context.Context, tx database.Tx) (Account, error) { return ByID(ctx, tx, lea.ID) })
			if kept.Password != won {
				t.Error("the password is not the winner's")
			}
		}
	})
}

func TestSessions(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		schools(t, db)
		lea := create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, "un préau sous la pluie")
		tom := create(t, db, Account{School: college, Person: "tom", Role: page.Pupil}, "un préau sous la pluie")
		open := func(a Account, on Device) (s Session) {
			write(t, db, func(ctx context.Context, tx database.Tx) (err error) {
				s, err = begin(ctx, tx, tuesday, a.ID, a.Password, on, "Firefox, Linux")
				return err
			})
			return s
		}
		good := func(now time.Time, t2 ticket) bool {
			return read(t, db, func(ctx context.Context, tx database.Tx) (bool, error) {
				_, ok, err := look(ctx, tx, now, t2)
				return ok, err
			})
		}
		live := func(a Account) int {
			return len(read(t, db, func(ctx context.Context, tx database.Tx) ([]Session, error) {
				return sessionsOf(ctx, tx, tuesday, a.ID)
			}))
		}
		one, two, three, shared, toms := open(lea, Own), open(lea, Own), open(lea, Own), open(lea, Shared), open(tom, Own)
		is := func(s Session) ticket { return ticket{Session: s.ID, Account: s.Account} }

		if !good(tuesday, is(one)) || !good(tuesday, is(toms)) {
			t.Error("a new session is not good")
		}
		if good(tuesday, ticket{Session: one.ID, Account: tom.ID}) {
			t.Error("a session is good for another account")
		}
		if good(tuesday, ticket{Session: "none", Account: lea.ID}) {
			t.Error("a session that is not there is good")
		}
		if !good(tuesday.Add(SessionMax-time.Second), is(one)) || good(tuesday.Add(SessionMax), is(one)) {
			t.Error("a session does not end when it must")
		}
		if !good(tuesday.Add(SessionShared-time.Second), is(shared)) || good(tuesday.Add(SessionShared), is(shared)) {
			t.Error("a session on a shared computer does not end when it must")
		}
		write(t, db, func(ctx context.Context, tx database.Tx) error { return endSession(ctx, tx, tuesday, lea.ID, one.ID) })
		write(t, db, func(ctx context.Context, tx database.Tx) error { return endSession(ctx, tx, tuesday, lea.ID, toms.ID) })
		if good(tuesday, is(one)) || !good(tuesday, is(two)) {
			t.Error("ending one session does not end that one alone")
		}
		if !good(tuesday, is(toms)) {
			t.Error("Léa ended a session of Tom's")
		}
		if n := live(lea); n != 3 {
			t.Errorf("%d live sessions, want 3", n)
		}
		write(t, db, func(ctx context.Context, tx database.Tx) error { return endSessions(ctx, tx, tuesday, lea.ID, two.ID) })
		if !good(tuesday, is(two)) || good(tuesday, is(three)) || !good(tuesday, is(toms)) {
			t.Error("ending all but one does not end all but that one")
		}
		write(t, db, func(ctx context.Context, tx database.Tx) error {
			return SetPassword(ctx, tx, tuesday, lea.ID, HashPassword("sous 2 tilleuls", cheap))
		})
		if good(tuesday, is(two)) {
			t.Error("a new password leaves a session open")
		}
		err := db.Write(t.Context(), func(ctx context.Context, tx database.Tx) error {
			_, err := begin(ctx, tx, tuesday, lea.ID, lea.Password, Own, "")
			return err
		})
		if !errors.Is(err, ErrWrong) {
			t.Errorf("a session for the password of before: %v, want ErrWrong", err)
		}
		write(t, db, func(ctx context.Context, tx database.Tx) error { return disable(ctx, tx, tuesday, tom.ID) })
		if good(tuesday, is(toms)) || live(tom) != 0 {
			t.Error("a closed account has an open session")
		}
		err = db.Write(t.Context(), func(ctx context.Context, tx database.Tx) error {
			_, err := begin(ctx, tx, tuesday, tom.ID, tom.Password, Own, "")
			return err
		})
		if !errors.Is(err, ErrDisabled) {
			t.Errorf("a session of a closed account: %v, want ErrDisabled", err)
		}
		write(t, db, func(ctx context.Context, tx database.Tx) error { return enable(ctx, tx, tom.ID) })
		if again := open(tom, Own); !good(tuesday, is(again)) || good(tuesday, is(toms)) {
			t.Error("opening an account again gives a new session and leaves the old one ended")
		}
	})
}

// A closed account is out even where its session's row was not ended.
func TestDisabledIsOut(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		schools(t, db)
		lea := create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, "un préau sous la pluie")
		var s Session
		write(t, db, func(ctx context.Context, tx database.Tx) (err error) {
			s, err = begin(ctx, tx, tuesday, lea.ID, lea.Password, Own, "")
			return err
		})
		if err := db.Statement(t.Context(), "UPDATE account_accounts SET disabled_at = created_at"); err != nil {
			t.Fatal(err)
		}
		ok := read(t, db, func(ctx context.Context, tx database.Tx) (bool, error) {
			_, ok, err := look(ctx, tx, tuesday, ticket{Session: s.ID, Account: lea.ID})
			return ok, err
		})
		if ok {
			t.Error("a closed account is signed in")
		}
	})
}

func TestCharge(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		// All at once: each try that is let through is counted, and no more than the
		// free ones and the one after them are.
		const people = 12
		var wg sync.WaitGroup
		errs := make([]error, people)
		for i := range people {
			wg.Go(func() {
				errs[i] = db.Write(t.Context(), func(ctx context.Context, tx database.Tx) error {
					_, err := charge(ctx, tx, tuesday, "k")
					return err
				})
			})
		}
		wg.Wait()
		let := 0
		for _, err := range errs {
			if err == nil {
				let++
			} else if wait, ok := errors.AsType[*WaitError](err); !ok || !wait.Until.Equal(tuesday.Add(firstWait)) {
				t.Errorf("refused with %v, want a wait until %v", err, tuesday.Add(firstWait))
			}
		}
		if let != freeFailures+1 {
			t.Errorf("%d tries at once were let through, want %d", let, freeFailures+1)
		}
		get := func(key string) Bucket {
			return read(t, db, func(ctx context.Context, tx database.Tx) (Bucket, error) { return bucket(ctx, tx, key) })
		}
		if b := get("k"); b.Failures != freeFailures+1 || !b.Until.Equal(tuesday.Add(firstWait)) {
			t.Errorf("the count is %+v", b)
		}
		if b := get("other"); b != (Bucket{}) {
			t.Errorf("another count is %+v, want none", b)
		}
		write(t, db, func(ctx context.Context, tx database.Tx) error { return Purge(ctx, tx, tuesday.Add(forgetAfter)) })
		if b := get("k"); b == (Bucket{}) {
			t.Error("purged before it is forgotten")
		}
		write(t, db, func(ctx context.Context, tx database.Tx) error {
			return Purge(ctx, tx, tuesday.Add(forgetAfter+firstWait))
		})
		if b := get("k"); b != (Bucket{}) {
			t.Errorf("not purged: %+v", b)
		}
		write(t, db, func(ctx context.Context, tx database.Tx) error { _, err := charge(ctx, tx, tuesday, "k"); return err })
		write(t, db, func(ctx context.Context, tx database.Tx) error { return clearBucket(ctx, tx, "k") })
		if b := get("k"); b != (Bucket{}) {
			t.Errorf("not cleared: %+v", b)
		}
	})
}

func TestPurge(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		schools(t, db)
		lea := create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, "un préau sous la pluie")
		open := func(on Device) (s Session) {
			write(t, db, func(ctx context.Context, tx database.Tx) (err error) {
				s, err = begin(ctx, tx, tuesday, lea.ID, lea.Password, on, "")
				return err
			})
			return s
		}
		kept, ended := open(Own), open(Own)
		open(Shared)
		write(t, db, func(ctx context.Context, tx database.Tx) (err error) {
			if _, err = IssueCode(ctx, tx, tuesday, lea.ID); err != nil {
				return err
			}
			return endSession(ctx, tx, tuesday, lea.ID, ended.ID)
		})
		rows := func() int64 {
			return read(t, db, func(ctx context.Context, tx database.Tx) (int64, error) {
				return tx.NewSelect().Model((*Session)(nil)).Count(ctx)
			})
		}
		code := func() string {
			return read(t, db, func(ctx context.Context, tx database.Tx) (Account, error) { return ByID(ctx, tx, lea.ID) }).CodeHash
		}
		write(t, db, func(ctx context.Context, tx database.Tx) error {
			return Purge(ctx, tx, tuesday.Add(CodeLife-time.Second))
		})
		if n := rows(); n != 1 {
			t.Errorf("%d sessions are left, want the one that goes on", n)
		}
		if code() == "" {
			t.Error("a code that is still good was purged")
		}
		write(t, db, func(ctx context.Context, tx database.Tx) error { return Purge(ctx, tx, tuesday.Add(CodeLife)) })
		if code() != "" {
			t.Error("a code that is too old was not purged")
		}
		left := read(t, db, func(ctx context.Context, tx database.Tx) ([]Session, error) {
			return sessionsOf(ctx, tx, tuesday, lea.ID)
		})
		if len(left) != 1 || left[0].ID != kept.ID || !left[0].ExpiresAt.Equal(tuesday.Add(SessionMax)) {
			t.Errorf("left: %+v", left)
		}
	})
}
