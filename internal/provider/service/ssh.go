package service

import (
	"context"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/choice"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/diagnostics"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/duration"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/whole"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const (
	defaultSSHPort = 22
	// Of whoever runs this: definitions are read by others, too.
	defaultKnownHosts     = "~/.ssh/known_hosts"
	defaultConnectTimeout = 10 * time.Second
)

// sshAttribute is how one logs in to a machine. Schemas are not recursive, so a bastion is reached without a further one.
func sshAttribute(required bool, description string) schema.Attribute {
	attributes := loginAttributes()
	attributes["bastion"] = schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "Machine that the connection goes through, with a login of its own. It is itself reached without another bastion.",
		Attributes:          loginAttributes(),
	}
	return schema.SingleNestedAttribute{
		Required: required, Optional: !required, Attributes: attributes,
		MarkdownDescription: description + " Keys are names of credentials. The machine's host key is always verified. Connections are shared, kept alive and dialled again when they are lost.",
	}
}

func loginAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"address":         requiredText("IP address or name of the machine, without a port."),
		"port":            numberAttribute("Port of its SSH server. Default: `22`."),
		"user":            requiredText("User who logs in."),
		"private_key":     textAttribute("Name of the credential that holds a private key, in OpenSSH's or PEM form; encrypted PKCS#8 is not understood. Exactly one of `private_key` and `agent`."),
		"passphrase":      textAttribute("Name of the credential that holds the passphrase of the private key. Default: the key is not encrypted."),
		"agent":           truthAttribute("Whether the keys are those of the SSH agent of whoever runs Terraform, at `SSH_AUTH_SOCK`. Default: `false`."),
		"certificate":     textAttribute("Certificate of the private key, as a text in the form of a `-cert.pub` file. It is no secret."),
		"host_key":        textAttribute("Public key that the machine must have, such as `ssh-ed25519 AAAA…`; or of the authority that signed it, behind `@cert-authority`. One a line. At most one of `host_key` and `known_hosts`."),
		"known_hosts":     textAttribute("Path of a file of known hosts that the machine's key must be in: absolute, such as `/etc/ssh/ssh_known_hosts`, or below `~/`, the home of whoever runs Terraform or a command. Default: `~/.ssh/known_hosts`, unless there is a `host_key`."),
		"connect_timeout": durationAttribute("Time limit of one try to log in. Default: `10s`."),
	}
}

type loginModel struct {
	Address        types.String `tfsdk:"address"`
	Port           whole.Number `tfsdk:"port"`
	User           types.String `tfsdk:"user"`
	PrivateKey     types.String `tfsdk:"private_key"`
	Passphrase     types.String `tfsdk:"passphrase"`
	Agent          types.Bool   `tfsdk:"agent"`
	Certificate    types.String `tfsdk:"certificate"`
	HostKey        types.String `tfsdk:"host_key"`
	KnownHosts     types.String `tfsdk:"known_hosts"`
	ConnectTimeout types.String `tfsdk:"connect_timeout"`
}

type sshModel struct {
	loginModel
	Bastion types.Object `tfsdk:"bastion"`
}

func (l loginModel) toDefinition(at path.Path, diags *diag.Diagnostics) service.SSH {
	d := service.SSH{
		Address: l.Address.ValueString(), Port: plain.Int(l.Port, defaultSSHPort), User: l.User.ValueString(),
		PrivateKey: l.PrivateKey.ValueString(), Passphrase: l.Passphrase.ValueString(), Agent: plain.Bool(l.Agent, false),
		Certificate: l.Certificate.ValueString(), HostKey: l.HostKey.ValueString(), KnownHosts: l.KnownHosts.ValueString(),
		ConnectTimeout: duration.ToDuration(l.ConnectTimeout, defaultConnectTimeout, at.AtName("connect_timeout"), diags),
	}
	if l.HostKey.IsNull() && l.KnownHosts.IsNull() {
		d.KnownHosts = defaultKnownHosts
	}
	return d
}

// toSSH is the login that an object at a path says, nil where there is none.
func toSSH(ctx context.Context, at path.Path, object types.Object, diags *diag.Diagnostics) *service.SSH {
	m, found := plain.Object[sshModel](ctx, object, diags)
	if !found {
		return nil
	}
	d := m.loginModel.toDefinition(at, diags)
	if bastion, found := plain.Object[loginModel](ctx, m.Bastion, diags); found {
		through := bastion.toDefinition(at.AtName("bastion"), diags)
		d.Bastion = &through
	}
	return &d
}

func fromSSH(s service.SSH) map[string]any {
	written := map[string]any{
		"address": s.Address, "port": unless(s.Port, defaultSSHPort), "user": s.User,
		"private_key": unless(s.PrivateKey, ""), "passphrase": unless(s.Passphrase, ""), "agent": unless(s.Agent, false),
		"certificate": unless(s.Certificate, ""), "host_key": unless(s.HostKey, ""), "known_hosts": unless(s.KnownHosts, ""),
		"connect_timeout": fromDuration(s.ConnectTimeout, defaultConnectTimeout),
	}
	if s.HostKey == "" && s.KnownHosts == defaultKnownHosts {
		written["known_hosts"] = nil
	}
	if s.Bastion != nil {
		written["bastion"] = fromSSH(*s.Bastion)
	}
	return written
}

// logins are that of an ssh object at a path, and that of its bastion.
func logins(at path.Path, ssh types.Object) []login {
	if !isSet(ssh) {
		return nil
	}
	bastion, _ := ssh.Attributes()["bastion"].(types.Object)
	return append([]login{{at, ssh}}, logins(at.AtName("bastion"), bastion)...)
}

// login of a machine or its bastion.
type login struct {
	at     path.Path
	object types.Object
}

// keys are the attributes that name credentials.
var keys = []string{"private_key", "passphrase"}

var hostKeys = choice.Of{Names: []string{"host_key", "known_hosts"}}

// validate refuses what says the same thing twice, and a key in the place of its name: that would end up in plans, states and ledgers.
func (l login) validate(diags *diag.Diagnostics) {
	hostKeys.AtMostOne(l.at, l.object, diags)
	for _, attribute := range keys {
		if name, known := plain.Known(l.object.Attributes()[attribute]); known && (name == "" || strings.ContainsAny(name, "\r\n") || strings.Contains(name, "PRIVATE KEY")) {
			diags.AddAttributeError(l.at.AtName(attribute), invalid,
				"It is not the name of a credential: put the secret into the provider's credentials, such as { deploy_key = var.deploy_key }, and write its name here, such as deploy_key.")
		}
	}
}

// validateCredentials refuses names that the provider does not have.
func (l login) validateCredentials(lookup diagnostics.Lookup, diags *diag.Diagnostics) {
	for _, attribute := range keys {
		if name, known := plain.Known(l.object.Attributes()[attribute]); known {
			diagnostics.Credential(lookup, l.at.AtName(attribute), name, diags)
		}
	}
}
