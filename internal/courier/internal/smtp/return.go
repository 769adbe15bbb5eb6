package smtp

import (
	"errors"
	"fmt"
	"strings"
)

// longestToken is the number of characters of a token.
const longestToken = 40

// ReturnAddress makes the return path of one letter from a template such as
// "retour+*@ent.example": the star becomes the token, 1 to 40 of A-Z, 0-9 and "-".
func ReturnAddress(template, token string) (string, error) {
	before, after, found := strings.Cut(template, "*")
	if !found || strings.Contains(after, "*") || !strings.Contains(after, "@") {
		return "", errors.New("a return path has one star before the @, such as retour+*@ent.example")
	}
	if token == "" || len(token) > longestToken || strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
		return "", errors.New("a token is 1 to 40 of A-Z, 0-9 and -")
	}
	address := before + token + after
	if err := checkAddress(address); err != nil {
		return "", err
	}
	return address, nil
}

// returnPath is where bounces of a letter go.
func (c *Carrier) returnPath(l Letter) (string, error) {
	if c.config.Return == "" || l.ReturnToken == "" {
		return c.config.From, nil
	}
	return ReturnAddress(c.config.Return, l.ReturnToken)
}

// checkReturn refuses a template that some token would make too long, or whose domain
// is a stranger to the sender's: SPF would then vouch for nobody that DMARC knows.
func checkReturn(template, from string) error {
	longest, err := ReturnAddress(template, strings.Repeat("A", longestToken))
	if err != nil {
		return fmt.Errorf("return path %q: %w", template, err)
	}
	if domain := domainOf(longest); !aligned(domain, from) {
		return fmt.Errorf("return path %q: %s is neither the sender's domain %s nor above or below it (DMARC)", template, domain, from)
	}
	return nil
}

// domainOf is what follows the @ of an address that [checkAddress] accepts.
func domainOf(address string) string {
	_, domain, _ := strings.Cut(address, "@")
	return domain
}
