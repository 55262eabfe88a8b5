// The regions of the emulated Azure, as `GET /subscriptions/{id}/locations` names them.
import type { Coordinates } from '../../../src/azure/regions.ts';

export interface Region {
  /** The short form that ARM uses everywhere: `japaneast`. */
  readonly name: string;
  readonly displayName: string;
  readonly geographyGroup: string;
  /** Only a physical region takes resources; a logical one (`europe`) groups them. */
  readonly kind: 'Physical' | 'Logical';
  /** Default for a physical region: as the operator's own table has them. */
  readonly geography?: string;
  readonly coordinates?: Coordinates;
}

/** ARM's short form of a location: "uk west" came back as "ukwest" (recorded: Azure/azure-powershell, 2023). */
export function shortForm(location: string): string {
  return location.replace(/\s/g, '').toLowerCase();
}

const physical: Readonly<Record<string, readonly string[]>> = {
  US: [
    'East US',
    'East US 2',
    'Central US',
    'North Central US',
    'South Central US',
    'West Central US',
    'West US',
    'West US 2',
    'West US 3',
  ],
  Canada: ['Canada Central', 'Canada East'],
  'South America': ['Brazil South', 'Chile Central'],
  Mexico: ['Mexico Central'],
  Europe: [
    'Austria East',
    'France Central',
    'Germany West Central',
    'Italy North',
    'North Europe',
    'Norway East',
    'Poland Central',
    'Spain Central',
    'Sweden Central',
    'Switzerland North',
    'UK South',
    'UK West',
    'West Europe',
  ],
  'Asia Pacific': [
    'Australia Central',
    'Australia East',
    'Australia Southeast',
    'Central India',
    'East Asia',
    'Indonesia Central',
    'Japan East',
    'Japan West',
    'Korea Central',
    'Korea South',
    'Malaysia West',
    'New Zealand North',
    'South India',
    'Southeast Asia',
    'West India',
  ],
  'Middle East': ['Israel Central', 'Qatar Central', 'UAE North'],
  Africa: ['South Africa North'],
};

const logical: Readonly<Record<string, readonly string[]>> = {
  US: ['United States'],
  Europe: ['Europe'],
  'Asia Pacific': ['Asia', 'Asia Pacific'],
};

function regionsOf(groups: Readonly<Record<string, readonly string[]>>, kind: Region['kind']): Region[] {
  return Object.entries(groups).flatMap(([geographyGroup, names]) =>
    names.map((displayName) => ({ name: shortForm(displayName), displayName, geographyGroup, kind })),
  );
}

/** A selection of Azure's public regions, with a few logical ones in between as in the real answer. */
export const publicRegions: readonly Region[] = [...regionsOf(physical, 'Physical'), ...regionsOf(logical, 'Logical')];
