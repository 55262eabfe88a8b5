// Generated from crds/registryreplications.yaml by npm run generate. Do not edit.

export interface RegistryReplicationBody {
  /**
   * The desired state.
   */
  spec: {
    /**
     * The registry, by its three names in Azure. Immutable: for another registry create another RegistryReplication. The registry must exist and be of SKU Premium; the operator never creates or changes it.
     */
    registry: {
      /**
       * The Azure subscription's id, such as 00000000-0000-0000-0000-000000000000.
       */
      subscriptionId: string;
      /**
       * The resource group's name.
       */
      resourceGroup: string;
      /**
       * The registry's name, 5 to 50 letters and digits; not its login server.
       */
      name: string;
    };
    /**
     * The regions that have a replica. The home region, where the registry itself lives, needs no mention: Azure keeps a replica there by itself. Listing it alone means "no other replicas". May be left out where regionsFrom is there.
     *
     * @minItems 1
     * @maxItems 100
     */
    regions?: {
      /**
       * The Azure region, as "japaneast" or "Japan East"; both mean the same.
       */
      location: string;
      /**
       * Whether the registry's global endpoint sends clients to this replica. Enabled and Disabled keep it so; WhenReady creates the replica unrouted and turns routing on once its content is there, and never turns it off. If unset, routing is never changed. The last routed replica of a registry always stays routed.
       */
      routing?: 'Enabled' | 'Disabled' | 'WhenReady';
      /**
       * Azure tags of the replica. Only the keys named here, or named here before, are ever changed; tags set by others stay. At most 50 tags a region, and at most 500 for the number of regions times the tags of any one region. Names have 1 to 512 characters without < > % & \ ? /, values at most 256.
       */
      tags?: {
        [k: string]: string;
      };
    }[];
    /**
     * Sources of further regions: this object follows them. Each region that a source names has a replica, as if it were listed. An entry in spec.regions wins over a source, and an earlier source over a later one.
     *
     * @minItems 1
     * @maxItems 8
     */
    regionsFrom?: {
      /**
       * The regions of this cluster's nodes, by their label topology.kubernetes.io/region.
       */
      nodes?: {
        /**
         * Only nodes with matching labels count. If unset or empty, all do.
         */
        selector?: {
          /**
           * Labels and their values; all must match.
           */
          matchLabels?: {
            [k: string]: string;
          };
          /**
           * Further requirements; all must hold.
           *
           * @maxItems 16
           */
          matchExpressions?: {
            /**
             * The label's key.
             */
            key: string;
            /**
             * In and NotIn need values; Exists and DoesNotExist take none.
             */
            operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
            /**
             * @maxItems 64
             */
            values?: string[];
          }[];
        };
      };
      /**
       * The regions that other objects name: one of a namespaced kind in this object's namespace, or any of a cluster-scoped kind. The operator reads only the kinds that its flag --region-sources names.
       */
      resources?: {
        /**
         * Such as cluster.kubernetes-fleet.io/v1, or v1.
         */
        apiVersion: string;
        /**
         * Such as MemberCluster.
         */
        kind: string;
        /**
         * Where an object of this kind names its region: a JSONPath as kubectl reads it, such as .spec.location or .metadata.labels['fleet\.azure\.com/location'].
         */
        location: string;
        /**
         * Only objects with matching labels count. If unset or empty, all do.
         */
        selector?: {
          /**
           * Labels and their values; all must match.
           */
          matchLabels?: {
            [k: string]: string;
          };
          /**
           * Further requirements; all must hold.
           *
           * @maxItems 16
           */
          matchExpressions?: {
            /**
             * The label's key.
             */
            key: string;
            /**
             * In and NotIn need values; Exists and DoesNotExist take none.
             */
            operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
            /**
             * @maxItems 64
             */
            values?: string[];
          }[];
        };
      };
      /**
       * The routing of the regions of this source, as in spec.regions.
       */
      routing?: 'Enabled' | 'Disabled' | 'WhenReady';
      /**
       * The Azure tags of the regions of this source, as in spec.regions; at most 5.
       */
      tags?: {
        [k: string]: string;
      };
    }[];
    /**
     * How long a region that no source names any more is kept. 0s: not at all. At most 8760h. The default is 24h.
     */
    keepUnused?: string;
    /**
     * The identity that acts in Azure for this object. If unset, the operator acts as itself, where --default-identity allows it.
     */
    identity?: {
      /**
       * A ServiceAccount in this object's own namespace, with the annotations azure.workload.identity/client-id and azure.workload.identity/tenant-id. The operator exchanges short-lived tokens of it for tokens of that client.
       */
      serviceAccountName: string;
    };
    /**
     * What happens to replicas in regions that are not listed. Delete removes them once every listed region has been ready, so that clients never have to pull from farther away; Retain keeps them. The default is Delete.
     */
    prune?: 'Delete' | 'Retain';
    /**
     * What happens to the replicas when this object is deleted. Delete removes the listed ones, those that existed before it included, and with prune Delete those that are due to be pruned, before the object goes; the home region's replica stays. Retain keeps them all. An object that is suspended, in mode Observe, invalid or without a claim goes at once and keeps them too. The default is Delete.
     */
    deletionPolicy?: 'Delete' | 'Retain';
    /**
     * Manage, the default, makes Azure agree with this object. Observe changes nothing in Azure and shows in status.plan what would be done.
     */
    mode?: 'Manage' | 'Observe';
    /**
     * If true, the operator takes no action, and the status stays as it was.
     */
    suspend?: boolean;
    /**
     * How often Azure is checked for changes made by others, such as 10m or 1h30m; at least 1m. If unset, the operator's default applies (--interval).
     */
    interval?: string;
    /**
     * How long a region may be in motion, or Failed, before the object is Stalled and a person is asked to act; at least 1s. A region that is no longer wanted may be deleted then even while it is in motion. The default is 1h.
     */
    progressDeadline?: string;
    /**
     * How long a replica that this object never listed stays before it is pruned: from its first sight, or from the time at which this object acquired the registry, whichever is later. 0s: no delay. At most 8760h. The default is 10m. With sources (regionsFrom), it stays at least for keepUnused.
     */
    pruneDelay?: string;
  };
  /**
   * The observed state.
   */
  status?: {
    /**
     * The generation of the spec that this status answers; -1 until there is one.
     */
    observedGeneration?: number;
    /**
     * A summary for people; programs should read the conditions. Syncing: something is on its way. Pruning: every listed region is ready, and unlisted replicas are on their way out. Degraded: every listed region is ready, and something else needs a person. Failed: the registry or a listed region needs a person.
     */
    phase?:
      'Pending' | 'Syncing' | 'Pruning' | 'Ready' | 'Degraded' | 'Failed' | 'Suspended' | 'Observing' | 'Deleting';
    /**
     * Ready regions of the listed ones, as "1/2".
     */
    readyRegions?: string;
    /**
     * The listed regions that are not as asked yet and need no user, separated by commas; at most 3 names, then the number of the others as "+4".
     */
    syncing?: string;
    /**
     * The regions that have a replica, separated by commas; * marks the home region. At most 6 names, then the number of the others as "+36".
     */
    regionList?: string;
    /**
     * The message of the condition Ready, cut to 160 characters. The condition has the whole.
     */
    message?: string;
    /**
     * Present while this object holds the registry and is the only one that acts on it.
     */
    claim?: {
      /**
       * When this object acquired the registry.
       */
      since: string;
      /**
       * Since when the namespace has not allowed this registry, without interruption. After an hour the claim is lost.
       */
      refusedSince?: string;
    };
    /**
     * The registry as Azure reports it.
     */
    registry?: {
      /**
       * The ARM resource id.
       */
      id?: string;
      /**
       * Where the registry itself lives.
       */
      homeRegion?: string;
      /**
       * The host that clients pull from.
       */
      loginServer?: string;
      /**
       * When the registry was created; another date means another registry.
       */
      creationDate?: string;
      /**
       * Geo-replication needs Premium.
       */
      sku?: string;
    };
    /**
     * Ready: every listed region is ready, routing and tags are as asked, nothing is left to prune. Available: every listed region is ready. Reconciling and Stalled are there only while true.
     */
    conditions?: {
      type: string;
      status: 'True' | 'False' | 'Unknown';
      observedGeneration?: number;
      lastTransitionTime: string;
      reason: string;
      message: string;
    }[];
    /**
     * The listed regions, the home region, and regions that are no longer wanted until they are gone.
     */
    regions?: {
      /**
       * The region in ARM's short form, as japaneast.
       */
      location: string;
      /**
       * The replica's name in ARM; it need not equal the location.
       */
      replica?: string;
      /**
       * Whether the spec lists this region, or a source names it or did so until spec.keepUnused ago.
       */
      desired: boolean;
      /**
       * Whether the registry itself lives here.
       */
      home: boolean;
      /**
       * Ready means provisioned and its content synchronised.
       */
      state: 'Absent' | 'Creating' | 'Syncing' | 'Ready' | 'Updating' | 'Deleting' | 'Failed';
      /**
       * ARM's own word.
       */
      provisioningState?: string;
      /**
       * ACR's own word.
       */
      displayStatus?: string;
      /**
       * Whether the global endpoint sends clients here.
       */
      routing?: 'Enabled' | 'Disabled';
      /**
       * When the state was entered; of an Absent region whose creation Azure refuses, when it was refused first.
       */
      since?: string;
      /**
       * The sources of spec.regionsFrom that name this region.
       *
       * @maxItems 8
       */
      neededBy?: {
        /**
         * "nodes", or a kind.
         */
        source: string;
        /**
         * How many of its objects name the region.
         */
        count: number;
        /**
         * The first of them by name, at most 5; none of nodes.
         *
         * @maxItems 5
         */
        names?: string[];
        /**
         * Of several entries with this source, those that named the region, each as a hash of what it asks for. Only the entries named here can keep the region when they are empty.
         *
         * @maxItems 16
         */
        entries?: string[];
      }[];
      /**
       * Since when no source names this region any more. Unless the spec lists it, it is kept for spec.keepUnused from then on.
       */
      unusedSince?: string;
      /**
       * Whether this replica has been Ready since the region was listed. It ends with the replica.
       */
      readyOnce?: boolean;
      /**
       * Whether this object has listed the region since it holds the registry. Its replica is then pruned without spec.pruneDelay.
       */
      wasListed?: boolean;
      /**
       * When this object first saw the replica of a region that it has not listed.
       */
      firstSeen?: string;
      /**
       * Whether this object sent the PUT that created this replica. Only such a replica is replaced when its creation fails. False: it sent the PUT, but the replica has been Ready since, and is not replaced either.
       */
      createdHere?: boolean;
      /**
       * When Azure says that the replica was created; another time means another replica. While it is Absent, when its creation was asked for.
       */
      createdAt?: string;
      /**
       * When a replica here was first seen to be gone after a deletion. A new one is created 30 s later at the earliest.
       */
      deletedAt?: string;
      /**
       * The tag keys that this object owns.
       */
      managedTags?: string[];
      /**
       * Failed creations, and failed repetitions of a change, since the last success or spec edit.
       */
      attempts?: number;
      /**
       * Azure's own reason for the last failure, where Azure told it.
       */
      failure?: string;
      /**
       * Why Azure refused the last write to this region.
       */
      reason?: string;
      /**
       * When the refused write is tried again; there only while backing off.
       */
      retryAfter?: string;
      /**
       * Why the region is not as asked.
       */
      message?: string;
    }[];
    /**
     * The sources of spec.regionsFrom as the operator sees them. Those of one kind are told as one.
     *
     * @maxItems 8
     */
    sources?: {
      /**
       * "nodes", or a kind.
       */
      source: string;
      /**
       * Synced: its objects are known and name at least one region. Empty: they name none. NotSynced: they were not listed yet. NotAllowed: the flag --region-sources does not name the kind, or too many are followed. Forbidden: the API server refuses to list it. NotInstalled: the API server does not know it. Invalid: the path cannot be read.
       */
      state: 'Synced' | 'Empty' | 'NotSynced' | 'NotAllowed' | 'Forbidden' | 'NotInstalled' | 'Invalid';
      /**
       * How many regions it names.
       */
      regions?: number;
      /**
       * Values that are no Azure region of the subscription. They create nothing.
       */
      unknown?: {
        /**
         * How many different ones.
         */
        count: number;
        /**
         * The first of them, at most 3, cut to 40 characters.
         *
         * @maxItems 3
         */
        examples?: string[];
      };
      /**
       * Why the source cannot be read, and the remedy.
       */
      message?: string;
    }[];
    /**
     * The actions still to be taken, in order. In mode Observe, those that would be taken.
     *
     * @maxItems 200
     */
    plan?: {
      action: 'create' | 'update' | 'delete';
      /**
       * The region.
       */
      location: string;
      /**
       * The earliest time of the action.
       */
      notBefore?: string;
      /**
       * The regions, separated by commas, that must come first.
       */
      waitsFor?: string;
      /**
       * The action in words, and why it waits.
       */
      message?: string;
    }[];
    /**
     * The value of the annotation georeplication.dev/reconcile-requested-at that was handled last.
     */
    lastHandledReconcileAt?: string;
  };
}

/** The fields of the CRD, and the values of its enumerations. */
export const crdFields: readonly string[] = [
  'spec',
  'spec.registry',
  'spec.registry.subscriptionId',
  'spec.registry.resourceGroup',
  'spec.registry.name',
  'spec.regions',
  'spec.regions[].location',
  'spec.regions[].routing',
  'spec.regions[].routing=Enabled',
  'spec.regions[].routing=Disabled',
  'spec.regions[].routing=WhenReady',
  'spec.regions[].tags',
  'spec.regionsFrom',
  'spec.regionsFrom[].nodes',
  'spec.regionsFrom[].nodes.selector',
  'spec.regionsFrom[].nodes.selector.matchLabels',
  'spec.regionsFrom[].nodes.selector.matchExpressions',
  'spec.regionsFrom[].nodes.selector.matchExpressions[].key',
  'spec.regionsFrom[].nodes.selector.matchExpressions[].operator',
  'spec.regionsFrom[].nodes.selector.matchExpressions[].operator=In',
  'spec.regionsFrom[].nodes.selector.matchExpressions[].operator=NotIn',
  'spec.regionsFrom[].nodes.selector.matchExpressions[].operator=Exists',
  'spec.regionsFrom[].nodes.selector.matchExpressions[].operator=DoesNotExist',
  'spec.regionsFrom[].nodes.selector.matchExpressions[].values',
  'spec.regionsFrom[].resources',
  'spec.regionsFrom[].resources.apiVersion',
  'spec.regionsFrom[].resources.kind',
  'spec.regionsFrom[].resources.location',
  'spec.regionsFrom[].resources.selector',
  'spec.regionsFrom[].resources.selector.matchLabels',
  'spec.regionsFrom[].resources.selector.matchExpressions',
  'spec.regionsFrom[].resources.selector.matchExpressions[].key',
  'spec.regionsFrom[].resources.selector.matchExpressions[].operator',
  'spec.regionsFrom[].resources.selector.matchExpressions[].operator=In',
  'spec.regionsFrom[].resources.selector.matchExpressions[].operator=NotIn',
  'spec.regionsFrom[].resources.selector.matchExpressions[].operator=Exists',
  'spec.regionsFrom[].resources.selector.matchExpressions[].operator=DoesNotExist',
  'spec.regionsFrom[].resources.selector.matchExpressions[].values',
  'spec.regionsFrom[].routing',
  'spec.regionsFrom[].routing=Enabled',
  'spec.regionsFrom[].routing=Disabled',
  'spec.regionsFrom[].routing=WhenReady',
  'spec.regionsFrom[].tags',
  'spec.keepUnused',
  'spec.identity',
  'spec.identity.serviceAccountName',
  'spec.prune',
  'spec.prune=Delete',
  'spec.prune=Retain',
  'spec.deletionPolicy',
  'spec.deletionPolicy=Delete',
  'spec.deletionPolicy=Retain',
  'spec.mode',
  'spec.mode=Manage',
  'spec.mode=Observe',
  'spec.suspend',
  'spec.interval',
  'spec.progressDeadline',
  'spec.pruneDelay',
  'status',
  'status.observedGeneration',
  'status.phase',
  'status.phase=Pending',
  'status.phase=Syncing',
  'status.phase=Pruning',
  'status.phase=Ready',
  'status.phase=Degraded',
  'status.phase=Failed',
  'status.phase=Suspended',
  'status.phase=Observing',
  'status.phase=Deleting',
  'status.readyRegions',
  'status.syncing',
  'status.regionList',
  'status.message',
  'status.claim',
  'status.claim.since',
  'status.claim.refusedSince',
  'status.registry',
  'status.registry.id',
  'status.registry.homeRegion',
  'status.registry.loginServer',
  'status.registry.creationDate',
  'status.registry.sku',
  'status.conditions',
  'status.conditions[].type',
  'status.conditions[].status',
  'status.conditions[].status=True',
  'status.conditions[].status=False',
  'status.conditions[].status=Unknown',
  'status.conditions[].observedGeneration',
  'status.conditions[].lastTransitionTime',
  'status.conditions[].reason',
  'status.conditions[].message',
  'status.regions',
  'status.regions[].location',
  'status.regions[].replica',
  'status.regions[].desired',
  'status.regions[].home',
  'status.regions[].state',
  'status.regions[].state=Absent',
  'status.regions[].state=Creating',
  'status.regions[].state=Syncing',
  'status.regions[].state=Ready',
  'status.regions[].state=Updating',
  'status.regions[].state=Deleting',
  'status.regions[].state=Failed',
  'status.regions[].provisioningState',
  'status.regions[].displayStatus',
  'status.regions[].routing',
  'status.regions[].routing=Enabled',
  'status.regions[].routing=Disabled',
  'status.regions[].since',
  'status.regions[].neededBy',
  'status.regions[].neededBy[].source',
  'status.regions[].neededBy[].count',
  'status.regions[].neededBy[].names',
  'status.regions[].neededBy[].entries',
  'status.regions[].unusedSince',
  'status.regions[].readyOnce',
  'status.regions[].wasListed',
  'status.regions[].firstSeen',
  'status.regions[].createdHere',
  'status.regions[].createdAt',
  'status.regions[].deletedAt',
  'status.regions[].managedTags',
  'status.regions[].attempts',
  'status.regions[].failure',
  'status.regions[].reason',
  'status.regions[].retryAfter',
  'status.regions[].message',
  'status.sources',
  'status.sources[].source',
  'status.sources[].state',
  'status.sources[].state=Synced',
  'status.sources[].state=Empty',
  'status.sources[].state=NotSynced',
  'status.sources[].state=NotAllowed',
  'status.sources[].state=Forbidden',
  'status.sources[].state=NotInstalled',
  'status.sources[].state=Invalid',
  'status.sources[].regions',
  'status.sources[].unknown',
  'status.sources[].unknown.count',
  'status.sources[].unknown.examples',
  'status.sources[].message',
  'status.plan',
  'status.plan[].action',
  'status.plan[].action=create',
  'status.plan[].action=update',
  'status.plan[].action=delete',
  'status.plan[].location',
  'status.plan[].notBefore',
  'status.plan[].waitsFor',
  'status.plan[].message',
  'status.lastHandledReconcileAt',
];
