package secureshell

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// identity is what one logs in with.
type identity struct {
	signers []ssh.Signer
	// words say what it is, for errors.
	words string
	// agent is the connection that signers ask, until it is left; nil: none.
	agent net.Conn
	leave func() bool
}

func (i *identity) String() string { return i.words }

func (i *identity) close() {
	if i.agent != nil {
		i.leave()
		_ = i.agent.Close()
	}
}

// identity reads the keys that the definition names; close ends it.
func (l *link) identity(ctx context.Context) (*identity, error) {
	d := l.definition
	var found *identity
	var err error
	switch {
	case d.PrivateKey != "":
		found, err = l.privateKey()
	case d.Agent:
		found, err = l.agent(ctx)
	default:
		err = errors.New("there is nothing to log in with: set private_key or agent")
	}
	if err != nil || d.Certificate == "" {
		return found, err
	}
	certificate, err := parseCertificate(d.Certificate)
	if err == nil {
		err = found.certify(certificate)
	}
	if err != nil {
		found.close()
		return nil, err
	}
	return found, nil
}

func (l *link) privateKey() (*identity, error) {
	d := l.definition
	text, err := l.connections.credentials.Lookup(d.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	key := []byte(unindented(text))
	signer, err := ssh.ParsePrivateKey(key)
	var encrypted *ssh.PassphraseMissingError
	if errors.As(err, &encrypted) {
		if d.Passphrase == "" {
			return nil, fmt.Errorf("the private key in credential %q is encrypted: set passphrase to the name of the credential that holds its passphrase", d.PrivateKey)
		}
		phrase, lookupErr := l.connections.credentials.Lookup(d.Passphrase)
		if lookupErr != nil {
			return nil, fmt.Errorf("passphrase: %w", lookupErr)
		}
		// Files end in a line break, and passphrases do not.
		signer, err = ssh.ParsePrivateKeyWithPassphrase(key, []byte(strings.TrimRight(phrase, "\r\n")))
		if errors.Is(err, x509.IncorrectPasswordError) {
			return nil, fmt.Errorf("the passphrase in credential %q is not that of the private key in credential %q", d.Passphrase, d.PrivateKey)
		}
	}
	if err != nil && (strings.Contains(err.Error(), "unknown cipher") || strings.Contains(err.Error(), "unknown encryption mode")) {
		return nil, fmt.Errorf("the private key in credential %q is encrypted in a way that is not understood: encrypt it anew with ssh-keygen -p -f KEY", d.PrivateKey)
	}
	if err != nil {
		// The library's words may repeat what it read.
		return nil, fmt.Errorf("credential %q holds no private key that can be read: %s", d.PrivateKey, instead(text))
	}
	return &identity{
		signers: []ssh.Signer{signer},
		words:   fmt.Sprintf("the key %s of credential %q", fingerprint(signer.PublicKey()), d.PrivateKey),
	}, nil
}

// unindented is a key without what editors and heredocs put around its lines.
func unindented(text string) string {
	lines := strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	return strings.Join(lines, "\n")
}

// instead says what text is where it is no private key, and what to do.
func instead(text string) string {
	trimmed := strings.TrimSpace(text)
	switch {
	case trimmed == "":
		return "it is empty"
	case strings.HasPrefix(trimmed, "PuTTY-User-Key-File"):
		return "it is a key of PuTTY: convert it with puttygen KEY -O private-openssh"
	case strings.HasPrefix(trimmed, "ssh-"), strings.HasPrefix(trimmed, "ecdsa-"), strings.HasPrefix(trimmed, "sk-"), strings.Contains(trimmed, "PUBLIC KEY-----"):
		return "it is a public key: give the file without .pub"
	case !strings.Contains(trimmed, "-----BEGIN"):
		return "give the whole file, from -----BEGIN to -----END, and not its path"
	case strings.HasPrefix(trimmed, "-----BEGIN ENCRYPTED PRIVATE KEY"):
		return "it is encrypted PKCS#8, as openssl writes it: convert it with ssh-keygen -p -f KEY (an Ed25519 key takes OpenSSH 9.6 or later)"
	case !strings.Contains(trimmed, "\n"):
		return "it is all on one line: give it with the line breaks of its file"
	}
	return "give it as ssh-keygen writes it, OpenSSH or PEM, with all of its lines; ed25519, ECDSA and RSA keys are understood"
}

func (l *link) agent(ctx context.Context) (*identity, error) {
	socket := l.connections.options.AgentSocket
	if socket == "" {
		return nil, errors.New("there is no agent: SSH_AUTH_SOCK is not set; start one (eval $(ssh-agent)) and add the key (ssh-add), or set private_key")
	}
	connection, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, fmt.Errorf("ask the agent of SSH_AUTH_SOCK (is it running?): %w", err)
	}
	// It knows no contexts, and may wait for a person who confirms.
	found := &identity{agent: connection, leave: context.AfterFunc(ctx, func() { _ = connection.Close() })}
	found.signers, err = agent.NewClient(connection).Signers()
	switch {
	case err != nil:
		err = fmt.Errorf("ask the agent at %s for its keys: %w", socket, l.ended(ctx, err))
	case len(found.signers) == 0:
		err = fmt.Errorf("the agent at %s has no keys: add one with ssh-add, or unlock it", socket)
	default:
		found.words = "the keys of the agent (" + strings.Join(fingerprints(found.signers), ", ") + ")"
		return found, nil
	}
	found.close()
	return nil, err
}

func fingerprints(signers []ssh.Signer) []string {
	out := make([]string, len(signers))
	for i, s := range signers {
		out[i] = fingerprint(s.PublicKey())
	}
	return out
}

func parseCertificate(text string) (*ssh.Certificate, error) {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(text))
	if err != nil {
		return nil, errors.New("certificate cannot be read: give the text of the file that ends in -cert.pub")
	}
	certificate, ok := key.(*ssh.Certificate)
	switch {
	case !ok:
		return nil, errors.New("certificate is a plain public key: give the text of the file that ends in -cert.pub")
	case certificate.CertType != ssh.UserCert:
		return nil, errors.New("certificate is that of a host: give one for users (ssh-keygen -s CA -I ID -n USER KEY.pub)")
	}
	return certificate, nil
}

// certify has the key that certificate is for be offered with it, and no other.
func (i *identity) certify(certificate *ssh.Certificate) error {
	name := fmt.Sprintf("the certificate %q", certificate.KeyId)
	now := time.Now().Unix()
	if before := certificate.ValidBefore; before != ssh.CertTimeInfinity && now >= int64(before) { //nolint:gosec // what overflows is expired
		return fmt.Errorf("%s expired at %s: have the key signed anew", name, moment(before))
	}
	if after := certificate.ValidAfter; int64(after) > now { //nolint:gosec // see above
		return fmt.Errorf("%s is not valid before %s: compare the clocks", name, moment(after))
	}
	wanted := string(certificate.Key.Marshal())
	for _, signer := range i.signers {
		if string(signer.PublicKey().Marshal()) != wanted {
			continue
		}
		certified, err := ssh.NewCertSigner(certificate, signer)
		if err != nil {
			return fmt.Errorf("use %s: %w", name, err)
		}
		i.signers = []ssh.Signer{certified}
		i.words = fmt.Sprintf("%s for %q (of %s) with %s", name, certificate.ValidPrincipals, fingerprint(certificate.SignatureKey), i.words)
		return nil
	}
	return fmt.Errorf("%s is for the key %s, and not for %s: give the certificate and the key that belong together",
		name, fingerprint(certificate.Key), i.words)
}

func moment(seconds uint64) string {
	return time.Unix(int64(seconds), 0).UTC().Format(time.RFC3339) //nolint:gosec // for people
}

func fingerprint(key ssh.PublicKey) string { return ssh.FingerprintSHA256(key) }
