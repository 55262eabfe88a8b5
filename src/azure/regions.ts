// The regions of Azure by name, with display name, geography and coordinates, for hints about names and for the map.
//
// Source: names and coordinates as `az account list-locations` prints them for the public cloud (published output, read 2026-11-28).
// Assumed: the coordinates of regions opened since 2024, of Azure China and of Azure Government. They are those of the region's
// city or state, entered without a source; they are good enough for a dot on a map of the world.

export interface AzureRegion {
  /** The short form that ARM uses everywhere: `japaneast`. */
  readonly name: string;
  /** `Japan East`; of an unknown region its name. */
  readonly displayName: string;
  /** Undefined for an unknown region. */
  readonly geography?: string;
  /** Undefined for an unknown region: it is listed without a place. */
  readonly coordinates?: Coordinates;
}

/** In degrees; south and west are negative. */
export interface Coordinates {
  readonly latitude: number;
  readonly longitude: number;
}

type Row = readonly [displayName: string, latitude: number, longitude: number];

const table: Readonly<Record<string, readonly Row[]>> = {
  'United States': [
    ['Central US', 41.5908, -93.6208],
    ['Central US EUAP', 41.5908, -93.6208],
    ['East US', 37.3719, -79.8164],
    ['East US 2', 36.6681, -78.3889],
    ['East US 2 EUAP', 36.6681, -78.3889],
    ['North Central US', 41.8819, -87.6278],
    ['South Central US', 29.4167, -98.5],
    ['West Central US', 40.89, -110.234],
    ['West US', 37.783, -122.417],
    ['West US 2', 47.233, -119.852],
    ['West US 3', 33.4484, -112.074],
  ],
  Canada: [
    ['Canada Central', 43.653, -79.383],
    ['Canada East', 46.817, -71.217],
  ],
  Mexico: [['Mexico Central', 20.5888, -100.3899]],
  Brazil: [
    ['Brazil South', -23.55, -46.633],
    ['Brazil Southeast', -22.9028, -43.2075],
  ],
  Chile: [['Chile Central', -33.4489, -70.6693]],
  Europe: [
    ['North Europe', 53.3478, -6.2597],
    ['West Europe', 52.3667, 4.9],
  ],
  Austria: [['Austria East', 48.2082, 16.3738]],
  Belgium: [['Belgium Central', 50.8503, 4.3517]],
  Denmark: [['Denmark East', 55.6761, 12.5683]],
  France: [
    ['France Central', 46.3772, 2.373],
    ['France South', 43.8345, 2.1972],
  ],
  Germany: [
    ['Germany North', 53.0736, 8.8064],
    ['Germany West Central', 50.1109, 8.6821],
  ],
  Italy: [['Italy North', 45.4689, 9.1811]],
  Norway: [
    ['Norway East', 59.9139, 10.7522],
    ['Norway West', 58.97, 5.7331],
  ],
  Poland: [['Poland Central', 52.2333, 21.0167]],
  Spain: [['Spain Central', 40.4168, -3.7038]],
  Sweden: [
    ['Sweden Central', 60.6749, 17.1413],
    ['Sweden South', 55.6059, 13.0007],
  ],
  Switzerland: [
    ['Switzerland North', 47.4515, 8.5646],
    ['Switzerland West', 46.2044, 6.1432],
  ],
  'United Kingdom': [
    ['UK South', 50.941, -0.799],
    ['UK West', 53.427, -3.084],
  ],
  Israel: [['Israel Central', 32.0702, 34.7171]],
  Qatar: [['Qatar Central', 25.5515, 51.4393]],
  'United Arab Emirates': [
    ['UAE Central', 24.4667, 54.3667],
    ['UAE North', 25.2667, 55.3167],
  ],
  'South Africa': [
    ['South Africa North', -25.7313, 28.2184],
    ['South Africa West', -34.0757, 18.8433],
  ],
  'Asia Pacific': [
    ['East Asia', 22.267, 114.188],
    ['Southeast Asia', 1.283, 103.833],
  ],
  Australia: [
    ['Australia Central', -35.3075, 149.1244],
    ['Australia Central 2', -35.3075, 149.1244],
    ['Australia East', -33.86, 151.2094],
    ['Australia Southeast', -37.8136, 144.9631],
  ],
  India: [
    ['Central India', 18.5822, 73.9197],
    ['Jio India Central', 21.1466, 79.0889],
    ['Jio India West', 22.4707, 70.0577],
    ['South India', 12.9822, 80.1636],
    ['West India', 19.088, 72.868],
  ],
  Indonesia: [['Indonesia Central', -6.2088, 106.8456]],
  Japan: [
    ['Japan East', 35.68, 139.77],
    ['Japan West', 34.6939, 135.5022],
  ],
  Korea: [
    ['Korea Central', 37.5665, 126.978],
    ['Korea South', 35.1796, 129.0756],
  ],
  Malaysia: [['Malaysia West', 3.139, 101.6869]],
  'New Zealand': [['New Zealand North', -36.8485, 174.7635]],
  Taiwan: [
    ['Taiwan North', 25.033, 121.5654],
    ['Taiwan Northwest', 25.033, 121.5654],
  ],
  China: [
    ['China East', 31.2304, 121.4737],
    ['China East 2', 31.2304, 121.4737],
    ['China East 3', 32.0603, 118.7969],
    ['China North', 39.9042, 116.4074],
    ['China North 2', 39.9042, 116.4074],
    ['China North 3', 38.0428, 114.5149],
  ],
  'US Government': [
    ['USDoD Central', 41.5908, -93.6208],
    ['USDoD East', 36.6681, -78.3889],
    ['USGov Arizona', 33.4484, -112.074],
    ['USGov Iowa', 41.5908, -93.6208],
    ['USGov Texas', 29.4241, -98.4936],
    ['USGov Virginia', 37.3719, -79.8164],
  ],
};

export const azureRegions: readonly AzureRegion[] = Object.entries(table).flatMap(([geography, rows]) =>
  rows.map(([displayName, latitude, longitude]) => ({
    name: displayName.replaceAll(' ', '').toLowerCase(),
    displayName,
    geography,
    coordinates: { latitude, longitude },
  })),
);

const byName: ReadonlyMap<string, AzureRegion> = new Map(azureRegions.map((region) => [region.name, region]));

/** The region of this short form. One that is not in the table has its name only. */
export function azureRegion(name: string): AzureRegion {
  return byName.get(name) ?? { name, displayName: name };
}
