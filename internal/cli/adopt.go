package cli

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/connect"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// adopted is what adopt prints.
type adopted struct {
	result
	// Seen is what was seen running, Was the lost store's identity, Store the new one's.
	Seen  string `json:"seen"`
	Was   string `json:"was"`
	Store string `json:"store_id"`
}

func (o *options) adopt() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use: "adopt SERVICE", Short: "Begin a new ledger from what is seen running, where the store is truly lost", Args: serviceArgument,
		Long: `Begin a new ledger from what is seen running, where the store is truly lost. Nothing of what runs is changed.

The service's definition, and what its release passed, are read from Terraform's state: terraform.tfstate in the present
directory, or what is named by --state, "-" for standard input:

  terraform state pull | terraform-provider-deploy adopt production/web --state - --yes

What runs is asked of the platform and the router. The next plan confirms the identity of the new store by itself.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			remembered, err := o.remembered(cmd.Context(), path, service.ID(args[0]))
			if err != nil {
				return err
			}
			// The only command for a store that has no identity.
			store, directory, err := connect.Store(cmd.Context(), o.storeURL())
			if err != nil {
				return err
			}
			return o.within(cmd.Context(), store, directory, args[0], "adopt", func(ctx context.Context, s *session) error {
				survey, err := s.p.Survey(ctx, remembered)
				if err != nil {
					return err
				}
				if err := s.ask(ctx, "Adopt %s: %s. A new ledger at %s takes the place of the one in the lost store %s; nothing of what runs is changed",
					args[0], survey, s.p.Ledger().Location(), remembered.StoreID); err != nil {
					return err
				}
				survey, identity, err := s.p.Adopt(ctx, remembered)
				if err != nil {
					return err
				}
				return o.printAdopted(args[0], survey, adopted{Seen: survey.String(), Was: remembered.StoreID, Store: identity})
			})
		},
	}
	cmd.Flags().StringVar(&path, "state", "terraform.tfstate", "Terraform's state, as `terraform state pull` prints it")
	return cmd
}

// remembered reads the state.
func (o *options) remembered(ctx context.Context, path string, id service.ID) (delivery.Remembered, error) {
	var state []byte
	var err error
	if path == "-" {
		state, err = io.ReadAll(o.in)
	} else {
		state, err = os.ReadFile(path)
	}
	if err != nil {
		return delivery.Remembered{}, &usageError{fmt.Errorf("read Terraform's state: %w; name it by --state FILE, or pipe `terraform state pull` to --state -", err)}
	}
	remembered, err := o.remember(ctx, state, id)
	if err != nil {
		return remembered, fmt.Errorf("read Terraform's state %s: %w", path, err)
	}
	return remembered, nil
}

func (o *options) printAdopted(id string, survey delivery.Survey, a adopted) error {
	a.Service = id
	a.Done = fmt.Sprintf("adopted: %s. Store %s takes the place of %s", a.Seen, a.Store, a.Was)
	if survey.Stable != nil {
		a.Running = string(survey.Stable.ID)
	}
	if o.json {
		return o.printJSON(a)
	}
	next := "next: terraform plan; with unchanged HCL it is empty"
	if survey.Candidate != nil {
		next = fmt.Sprintf("next: `recover %s`, or an apply: the introduction of %s, which nobody goes on with, is taken back", id, survey.Candidate.ID)
	}
	_, err := fmt.Fprintf(o.out, "%s\n%s\n", a.Done, next)
	return err
}
