package directory

import (
	"context"
	"errors"
	"strings"

	"github.com/preau-ent/preau/internal/database"
)

// Tripwires are addresses that belong to nobody: mobile numbers of the regulator's range
// for fiction, 06 39 98 00 00 to 06 39 98 00 99, and addresses under TripwireDomain. They
// stand in every fictional directory and in every one that rehearses, on a person who is
// nobody's guardian: no rule ever leads to them. One that meets a real carrier says that a
// selection is wrong, or that people of fiction are about to be written to.
const (
	TripwireDomain = "piege.example"
	tripwireNumber = "+3363998" + "00" // and two digits
	tripwirePerson = "tripwire"
)

// Tripwire tells whether an address is one that belongs to nobody.
func Tripwire(channel Channel, address string) bool {
	if channel == Email {
		_, domain, _ := strings.Cut(strings.ToLower(address), "@")
		return domain == TripwireDomain || strings.HasSuffix(domain, "."+TripwireDomain)
	}
	return len(address) == len(tripwireNumber)+2 && strings.HasPrefix(address, tripwireNumber)
}

// PlaceTripwires puts a school's tripwires into its directory, once.
func PlaceTripwires(ctx context.Context, tx database.Tx, school string) error {
	if _, err := PersonByID(ctx, tx, school, tripwirePerson); !errors.Is(err, ErrNotFound) {
		return err
	}
	return Add(ctx, tx, Batch{
		People: []Person{{School: school, ID: tripwirePerson, Kind: KindAdult, Source: ByHand, SourceKey: tripwirePerson, LastName: "Garde", FirstName: "Fil"}},
		Contacts: []ContactPoint{
			{School: school, ID: tripwirePerson + "-sms", Person: tripwirePerson, Channel: SMS, Address: tripwireNumber + "00", Raw: "06 39 98 00 00", Source: ByHand},
			{School: school, ID: tripwirePerson + "-email", Person: tripwirePerson, Channel: Email, Address: "garde@" + TripwireDomain, Raw: "garde@" + TripwireDomain, Source: ByHand},
		},
	})
}
