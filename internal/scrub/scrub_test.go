package scrub

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestTextInEveryForm(t *testing.T) {
	const secret = `p4ss w<rd/"Ü"&+%`
	s := Of(secret + "\n")
	quoted, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	for name, form := range map[string]string{
		"as it is": secret, "query": url.QueryEscape(secret), "path": url.PathEscape(secret),
		"JSON": string(quoted), "JSON for people": strings.ReplaceAll(secret, `"`, `\"`),
	} {
		if got := s.Text("the password " + form + " is wrong"); strings.Contains(got, "p4ss") || !strings.HasPrefix(got, "the password ") || !strings.HasSuffix(got, " is wrong") {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// Wherever a secret begins in what was encoded, and whatever follows it, base64 gives back none of its bytes.
func TestTextInBase64(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`[!-~]{8,40}`).Draw(t, "secret")
		whole := rapid.StringMatching(`[a-z]{0,6}:?`).Draw(t, "before") + secret + rapid.StringMatching(`[\n a-z]{0,6}`).Draw(t, "behind")
		for name, e := range map[string]*base64.Encoding{"std": base64.StdEncoding, "raw": base64.RawStdEncoding, "URL": base64.URLEncoding, "raw URL": base64.RawURLEncoding} {
			text := e.EncodeToString([]byte(whole))
			got := Of(secret).Text("Authorization: Basic " + text + " was refused")
			if !strings.HasPrefix(got, "Authorization: Basic ") || !strings.HasSuffix(got, " was refused") {
				t.Fatalf("%s: %q", name, got)
			}
			left := strings.TrimSuffix(strings.TrimPrefix(got, "Authorization: Basic "), " was refused")
			before, behind, found := strings.Cut(left, "***")
			if at := strings.Index(whole, secret); !found || 6*len(before) > 8*at+7 || 6*len(strings.TrimRight(behind, "=")) > 8*(len(whole)-at-len(secret))+7 {
				t.Fatalf("%s: %q of %q leaves %q", name, secret, whole, left)
			}
		}
	})
}

func TestTextWithThePasswordOfACredentialThatIsMore(t *testing.T) {
	for credential, password := range map[string]string{
		"postgres://orders:hunter2-hunter2@db.internal/orders":     "hunter2-hunter2",
		"postgres://orders:hunter%2F2@db.internal/orders":          "hunter/2",
		"postgres://orders@db.internal/orders?password=hunter2":    "hunter2",
		"https://chat.example/hook?token=hunter2":                  "hunter2",
		"host=db user=orders password=hunter2 dbname=orders":       "hunter2",
		`host=db password = 'hunter\'2 too' dbname=orders`:         "hunter'2 too",
		"Server=db;Uid=orders;Pwd=hunter2;":                        "hunter2",
		"-----BEGIN KEY-----\nMIIhunter2hunter2\n-----END KEY----": "MIIhunter2hunter2",
	} {
		got := Of(credential).Text("orders cannot log in at db.internal with " + password + ", " + url.QueryEscape(password))
		if got != "orders cannot log in at db.internal with ***, ***" {
			t.Errorf("of %s: %q", credential, got)
		}
	}
}

func TestExcerpt(t *testing.T) {
	lines := []string{"never seen", strings.Repeat("x", 10_000), "\x1b[31mred\x1b[0m\x07 and s3cr", "3t\r", strings.Repeat("é", 400), ""}
	got := Of("s3cr\n3t").Excerpt(lines)
	want := []string{"never seen", strings.Repeat("x", 500-len(CutMark)) + CutMark, "·[31mred·[0m· and ***", strings.Repeat("é", 247) + CutMark}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	for range 100 {
		lines = append(lines, strings.Repeat("y", 100))
	}
	got = Of().Excerpt(append(lines, "the end"))
	if text := strings.Join(got, "\n"); got[0] != CutMark || got[len(got)-1] != "the end" || len(text) > 4<<10 || len(text) < 3<<10 {
		t.Errorf("%d bytes from %q to %q", len(text), got[0], got[len(got)-1])
	}
}
