package courier

import (
	"context"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
)

func (d *desk) figures() (f Figures) {
	d.t.Helper()
	err := d.db.Read(context.Background(), func(ctx context.Context, tx database.Tx) (err error) {
		f, err = d.c.Figures(ctx, tx, d.now)
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return f
}

// TestLag: what may leave and does not is late; what somebody decided to keep is not.
func TestLag(t *testing.T) {
	onDesks(t, func(t *testing.T, d *desk) {
		d.vouchAll()
		d.accepts()
		if f := d.figures(); f != (Figures{}) {
			t.Errorf("an empty queue: %+v", f)
		}
		d.putKind("absence", Absence, false, "mobile")
		d.now = d.now.Add(3 * time.Minute)
		d.putKind("arrived", Arrived, false, "mobile")
		d.now = d.now.Add(time.Minute)
		if f := d.figures(); f.Lag != 4*time.Minute || f.Locked || f.Unreached || f.Pretended {
			t.Errorf("%+v", f)
		}
		d.in(func(ctx context.Context, tx database.Tx) error {
			_, err := d.c.Stop(ctx, tx, "s", "office", d.now)
			return err
		})
		if f := d.figures(); f.Lag != time.Minute {
			t.Errorf("under a stop the arrival alone is late, for %v", f.Lag)
		}
		if err := d.c.LockAll(t.Context(), WhyMachine); err != nil {
			t.Fatal(err)
		}
		if f := d.figures(); f.Lag != 0 || !f.Locked {
			t.Errorf("locked: %+v", f)
		}
		for _, a := range d.c.carriers.all() {
			for range unreachedAfter {
				a.heard(NotWritten, d.now)
			}
		}
		if f := d.figures(); !f.Unreached {
			t.Error("no carrier can be reached, and the figures do not say it")
		}
		d.c.carriers.all()[0].heard(Accepted, d.now)
		if f := d.figures(); f.Unreached {
			t.Error("one carrier is reached")
		}
	})
}

// TestInstallationIsNoSchool: the fence locks schools, and not the chain of the installation,
// which nobody could arm again.
func TestInstallationIsNoSchool(t *testing.T) {
	onDesks(t, func(t *testing.T, d *desk) {
		if err := d.c.LockAll(t.Context(), WhyMachine); err != nil {
			t.Fatal(err)
		}
		err := d.db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
			_, locked, err := LockOf(ctx, tx, database.Installation)
			if locked {
				t.Error("it is locked")
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
